/** What other servers read of this one before they know it: its keys, its version, where it is. */
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../../src/protocol/events/canonical-json.ts'
import { verifyJson } from '../../../src/protocol/events/signing.ts'
import { serving } from '../../support/serving.ts'

const DAY_MS = 24 * 60 * 60 * 1000

const seed = (letter: string) => `${letter.repeat(42)}A`
const SIGNING_KEYS = JSON.stringify([
  { id: 'ed25519:a_2', seed: seed('B') },
  { id: 'ed25519:a_1', seed: seed('C') },
  { id: 'ed25519:a_0', seed: seed('D'), expired_ts: 1_700_000_000_000 },
])

const { http } = serving([], { federation: 'on', bindings: { SIGNING_KEYS } })

describe('the keys of this server', () => {
  it('are signed by each key that signs, and name those that have ended with their end', async () => {
    const before = Date.now()
    const { status, body } = await http.request('GET', '/_matrix/key/v2/server')
    expect(status).toBe(200)
    expect(body.server_name).toBe('test.example')
    expect(Object.keys(body.verify_keys)).toEqual(['ed25519:a_1', 'ed25519:a_2'])
    for (const [id, { key }] of Object.entries<{ key: string }>(body.verify_keys)) {
      expect(verifyJson(body, 'test.example', id, key)).toBe(true)
    }
    expect(body.old_verify_keys).toEqual({
      'ed25519:a_0': { key: expect.stringMatching(/^[A-Za-z0-9+/]{43}$/), expired_ts: 1_700_000_000_000 },
    })
    expect(Object.keys(body.signatures['test.example'])).toEqual(['ed25519:a_1', 'ed25519:a_2'])
    expect(body.valid_until_ts).toBeGreaterThanOrEqual(before + DAY_MS)
    // "Servers MUST use the lesser of this field and 7 days into the future".
    expect(body.valid_until_ts).toBeLessThan(before + 7 * DAY_MS)
  })

  it('are told as the text that was signed', async () => {
    const { body } = await http.request('GET', '/_matrix/key/v2/server')
    expect(JSON.stringify(body)).toBe(canonicalJson(body))
  })

  it.each(['/_matrix/key/v2/server/', '/_matrix/key/v2/server/ed25519:a_2'])(
    'are read by old servers at %s',
    async (path) => {
      const { body } = await http.request('GET', path)
      expect(Object.keys(body.verify_keys)).toEqual(['ed25519:a_1', 'ed25519:a_2'])
    },
  )
})

it('the version is told to everybody', async () => {
  const { body } = await http.request('GET', '/_matrix/federation/v1/version')
  expect(body).toEqual({ server: { name: 'Selvedge', version: expect.stringMatching(/^\d+\.\d+\.\d+/) } })
})
