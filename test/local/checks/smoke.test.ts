/** `npm run smoke` against a whole server, as an operator runs it, and against servers of which a part is away. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { readKeys } from '../../../local/keys.ts'
import { claimPort } from '../../../local/options/address.ts'
import { api, must, testPassword } from '../../support/client.ts'
import { runScript } from '../../support/command.ts'
import { startServer, type TestServer } from '../../support/server.ts'
import { serving } from '../../support/serving.ts'

const sharedSecret = 'the-secret-of-the-tools'
const metricsToken = 'the-token-of-the-monitor'
const options = { 'registration-shared-secret': sharedSecret, 'metrics-token': metricsToken }
const { server } = serving([], { ...options, registration: 'closed' })

const folder = mkdtempSync(join(tmpdir(), 'selvedge-smoke-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => {
  server.postgres.start()
  server.redis.start()
})

/** Where nobody listens. */
const freePort = () => claimPort('127.0.0.1', 0, 'port')

interface Row {
  name: string
  group: string
  state: string
  ms: number
  note?: string
}

async function smoke(on: TestServer, env: Record<string, string> = {}, args: string[] = []) {
  const file = join(folder, 'report.json')
  const ran = await runScript(
    'smoke',
    ['--url', on.url, '--json', file, '--data-dir', folder, ...args],
    '',
    env,
  )
  const rows = ran.code === 2 ? [] : (JSON.parse(readFileSync(file, 'utf8')).checks as Row[])
  const inState = (state: string) => rows.filter((row) => row.state === state).map(({ name }) => name)
  return { ...ran, rows, failed: inState('failed'), skipped: inState('skipped'), passed: inState('passed') }
}

const all = {
  SELVEDGE_REGISTRATION_SHARED_SECRET: sharedSecret,
  METRICS_TOKEN: metricsToken,
}
const accounts = (on: TestServer) =>
  on.pg("select localpart from accounts where not deactivated and localpart like 'check-%'")

describe('on a server that is well', () => {
  it('passes each part by name, and leaves nothing behind', async () => {
    const keys = JSON.stringify(readKeys(join(server.folder, 'keys.json'))!.token_keys)
    const ran = await smoke(server, { ...all, TOKEN_KEYS: keys }, ['--server-name', server.serverName])
    expect([ran.failed, ran.skipped]).toEqual([[], []])
    expect(ran.code).toBe(0)
    expect(ran.passed).toEqual([
      'the server is alive and says its version',
      'Postgres, Redis and the object storage answer the server',
      'an account: a user registers, or signs in',
      'a second device signs in by the password',
      'a room is made',
      'a message is sent, once however often it is sent',
      'a sync brings the message to the other device',
      'a long poll waits, and ends with the next message',
      'a picture is uploaded',
      'a thumbnail of it is made',
      'the picture is downloaded as it was',
      'the fan-out is called, by which the Worker reaches itself',
      'Redis is written and read: a proof of identity for another service',
      'the archive has the message: a search finds it',
      'a logout ends its session, and no other',
      'the picture is erased',
      'the room is left and forgotten',
      expect.stringMatching(/^the device .+ is logged out$/),
      expect.stringMatching(/^the account @check-\w+:test.example is deactivated and erased$/),
    ])
    expect(ran.stdout).toMatch(/^ok {2} +\d+ ms {2}a room is made$/m)
    expect(ran.stdout).toMatch(/^19 passed, 0 failed, 0 skipped, in /m)
    expect(await accounts(server)).toEqual([])
    expect(await server.pg('select media_id from media')).toEqual([])
  })

  it('says what it could not check without the keys, and still passes', async () => {
    const ran = await smoke(server, { SELVEDGE_REGISTRATION_SHARED_SECRET: sharedSecret })
    expect([ran.code, ran.failed]).toEqual([0, []])
    expect(ran.skipped).toEqual([
      'Postgres, Redis and the object storage answer the server',
      'the fan-out is called, by which the Worker reaches itself',
      'the picture is erased',
    ])
    expect(ran.stdout).toContain('only the operator may ask: TOKEN_KEYS are not given')
  })

  it('uses an account that is there, and leaves it as it was', async () => {
    const open = await startServer()
    try {
      const alice = await api(open).register('alice')
      const ran = await smoke(open, { CHECK_USER: 'alice', CHECK_PASSWORD: testPassword })
      expect([ran.code, ran.failed]).toEqual([0, []])
      const { devices } = must(await alice.get('/devices')).body
      expect(devices.map(({ device_id: id }: { device_id: string }) => id)).toEqual([alice.deviceId])
      expect(must(await alice.get('/joined_rooms')).body.joined_rooms).toEqual([])
    } finally {
      await open.stop()
    }
  })

  it('registers by a token, where registration asks for one', async () => {
    const asking = await startServer({ registration: 'token' })
    try {
      await asking.pg("insert into registration_tokens (token, uses_allowed) values ('let-me-in', 1)")
      expect((await smoke(asking, { CHECK_REGISTRATION_TOKEN: 'let-me-in' })).failed).toEqual([])
      expect(await accounts(asking)).toEqual([])
      const without = await smoke(asking)
      expect([without.code, without.failed]).toEqual([0, []])
      expect(without.stdout).toMatch(/skip .*registration asks for m.login.registration_token: give a user/)
    } finally {
      await asking.stop()
    }
  })
})

describe('on a server of which a part is away', () => {
  it('names Redis, and what depends on it', async () => {
    const open = await startServer({ 'metrics-token': metricsToken })
    try {
      open.redis.stop()
      const ran = await smoke(open, { METRICS_TOKEN: metricsToken })
      expect(ran.code).toBe(1)
      expect(ran.failed).toContain('Postgres, Redis and the object storage answer the server')
      expect(ran.failed).toContain('an account: a user registers, or signs in')
      expect(ran.stdout).toContain('the server does not reach redis')
      expect(ran.skipped).toContain('a room is made')
    } finally {
      await open.stop()
    }
  })

  it('cleans up also where a part has failed', async () => {
    const open = await startServer({ 'max-upload-bytes': '100' })
    try {
      const ran = await smoke(open)
      expect([ran.code, ran.failed]).toEqual([1, ['a picture is uploaded']])
      expect(ran.skipped).toContain('a thumbnail of it is made')
      expect(await accounts(open)).toEqual([])
    } finally {
      await open.stop()
    }
  })
})

describe('what it says', () => {
  it('holds no token, password or secret', async () => {
    const ran = await smoke(server, all)
    const said = ran.stdout + ran.stderr + JSON.stringify(ran.rows)
    for (const secret of [sharedSecret, metricsToken]) expect(said).not.toContain(secret)
    expect(said).not.toMatch(/eyJ|syt_|Bearer/)
  })

  it('names what answers no HTTP', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const ran = await runScript('smoke', ['--url', url, '--data-dir', folder])
    expect(ran.code).toBe(1)
    expect(ran.stdout).toContain(`${url} cannot be asked: ECONNREFUSED`)
  })

  it.each([
    [[], '--url is missing'],
    [['--url', 'example.org'], '--url must be a URL that starts with https:// or http://'],
    [['--url', 'http://127.0.0.1:9', '--user', 'alice'], '--user needs --password'],
    [['--url', 'http://127.0.0.1:9', 'more'], 'unexpected argument more'],
    [['--url', 'http://127.0.0.1:9', '--speed', '9'], 'unknown option --speed'],
  ])('refuses %j', async (args, sentence) => {
    const ran = await runScript('smoke', args)
    expect([ran.code, ran.stdout]).toEqual([2, ''])
    expect(ran.stderr).toContain(sentence)
  })
})
