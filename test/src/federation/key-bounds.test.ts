/** A room's state may name any number of servers: one look for keys asks few of them. */
import { expect, it } from 'vitest'
import { keyRing } from '../../../src/federation/key-ring.ts'
import { ServerFailure } from '../../../src/federation/server-failure.ts'
import type { ServerKeyStore, ServerRequest } from '../../../src/ports/federation.ts'
import { signJson } from '../../../src/protocol/events/signing.ts'
import { newKey } from '../../support/federation/remote.ts'

const NOTARY = 'notary.example'
const key = newKey('ed25519:notary')
const now = () => 1_700_000_000_000
const store: ServerKeyStore = {
  find: async () => ({ keys: [], failures: [] }),
  put: async () => undefined,
  putFailures: async () => undefined,
}

/** What is asked for the keys of so many servers, none of which answers. */
async function askedFor(count: number, notaries: string[]): Promise<ServerRequest[]> {
  const asked: ServerRequest[] = []
  const ring = keyRing({
    store,
    clock: { now, monotonic: now } as unknown as Parameters<typeof keyRing>[0]['clock'],
    config: {
      serverName: 'here.example',
      signingKeys: [key],
      endedSigningKeys: [],
      federation: { on: true, notaries },
    },
    client: {
      async ask(request) {
        asked.push(request)
        if (request.destination !== NOTARY) throw new ServerFailure('unreachable')
        if (request.kind === 'notary_keys') return { text: '{"server_keys":[]}' }
        const keys = { [key.id]: { key: key.publicKey } }
        const own = { server_name: NOTARY, valid_until_ts: now() + 1_000_000, verify_keys: keys }
        return { text: JSON.stringify(signJson(own, NOTARY, key)) }
      },
    },
  })
  const wanted = Array.from({ length: count }, (_, n) => ({
    serverName: `s${n}.example`,
    keyId: 'ed25519:a',
    at: 1,
  }))
  await ring.collect(wanted, { byTime: false })
  return asked
}

it('60 servers are asked for their own keys at most', async () => {
  expect(await askedFor(500, [])).toHaveLength(60)
})

it('a notary is asked 50 times at most', async () => {
  const asked = await askedFor(10_000, [NOTARY])
  expect(asked.filter(({ kind }) => kind === 'notary_keys')).toHaveLength(50)
  expect(asked.length).toBeLessThanOrEqual(111)
})
