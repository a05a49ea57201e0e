/** `npm run keys:rotate`, run as operators run it. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { api } from '../support/client.ts'
import { runScript } from '../support/command.ts'
import { startServer } from '../support/server.ts'

const scratch = mkdtempSync(join(tmpdir(), 'selvedge-rotate-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'))

describe('npm run keys:rotate', () => {
  it('makes a stopped server sign with a new key, publish the old one with its end, and log nobody out', async () => {
    const folder = mkdtempSync(join(scratch, 'data-'))
    const first = await startServer({ 'data-dir': folder, federation: 'on' })
    const http = api(first)
    const alice = await http.register('alice')
    const busy = await runScript('keys/rotate', ['--data-dir', folder])
    expect([busy.code, busy.stderr]).toEqual([1, expect.stringContaining('in use by another Selvedge')])
    const before = await http.request('GET', '/_matrix/key/v2/server')
    const [oldId] = Object.keys(before.body.verify_keys)
    await first.instance.stop()
    const rotatedAt = Date.now()
    const ran = await runScript('keys/rotate', ['--data-dir', folder])
    expect([ran.code, ran.stdout]).toEqual([
      0,
      expect.stringMatching(/^the next start signs with ed25519:a_\w+\n$/),
    ])
    expect(statSync(join(folder, 'keys.json')).mode & 0o777).toBe(0o600)
    await first.restartWith({})
    const after = await http.request('GET', '/_matrix/key/v2/server')
    expect(Object.keys(after.body.verify_keys)).not.toContain(oldId)
    const old = after.body.old_verify_keys[oldId!]
    expect(old.key).toBe(before.body.verify_keys[oldId!].key)
    expect(old.expired_ts).toBeGreaterThanOrEqual(rotatedAt)
    expect((await alice.get('/account/whoami')).status).toBe(200)
    await first.stop()
  })

  it('does the same to the file of secrets of a deployment, and keeps the end of a key that has one', async () => {
    const file = join(scratch, 'secrets.json')
    const seed = 'A'.repeat(43)
    const secrets = {
      METRICS_TOKEN: 'x'.repeat(16),
      SIGNING_KEYS: JSON.stringify([
        { id: 'ed25519:a_1', seed },
        { id: 'ed25519:a_0', seed, expired_ts: 5 },
      ]),
      TOKEN_KEYS: JSON.stringify([{ id: 'k_1', secret: seed }]),
    }
    writeFileSync(file, JSON.stringify(secrets))
    expect((await runScript('keys/rotate', ['--secrets', file])).code).toBe(0)
    const changed = read(file)
    expect(changed.METRICS_TOKEN).toBe(secrets.METRICS_TOKEN)
    expect(JSON.parse(changed.SIGNING_KEYS)).toEqual([
      { id: expect.stringMatching(/^ed25519:a_/), seed: expect.any(String) },
      { id: 'ed25519:a_1', seed, expired_ts: expect.any(Number) },
      { id: 'ed25519:a_0', seed, expired_ts: 5 },
    ])
    expect(
      JSON.parse(changed.TOKEN_KEYS)
        .map(({ id }: { id: string }) => id)
        .slice(1),
    ).toEqual(['k_1'])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it.each([
    ['no folder of a server', () => ['--data-dir', mkdtempSync(join(scratch, 'empty-'))], 'is missing'],
    ['no file', () => ['--secrets', join(scratch, 'none.json')], 'cannot be read'],
  ])('says that there is %s', async (_, args, words) => {
    const { code, stderr } = await runScript('keys/rotate', args())
    expect([code, stderr]).toEqual([1, expect.stringContaining(words)])
  })
})
