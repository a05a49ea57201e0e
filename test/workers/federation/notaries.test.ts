/** Keys of servers that do not answer themselves: a notary vouches for them. */
import { expect, it } from 'vitest'
import { signJson } from '../../../src/protocol/events/signing.ts'
import { api, must } from '../../support/client.ts'
import { federating, newKey, newRemote, remote } from '../../support/federation/remote.ts'
import { startServer, type TestServer } from '../../support/server.ts'

const notary = remote()
const uri = '/_matrix/federation/v1/query/directory?room_alias=%23none%3Atest.example'
const QUERY = '/_matrix/key/v2/query'

/** A server whose keys only the notary can tell. */
async function silent() {
  const server = newRemote()
  await server.start()
  server.on('GET', '/_matrix/key/v2/server', () => ({ status: 502 }))
  return server
}

async function withNotary(names: string, work: (ours: TestServer) => Promise<void>): Promise<void> {
  const ours = await startServer({ ...federating, 'key-notaries': names })
  try {
    await work(ours)
  } finally {
    await ours.stop()
  }
}

it('a key counts with the signatures of its server and of the notary', async () => {
  const server = await silent()
  notary.on('POST', QUERY, ({ body }) => {
    expect(Object.keys(body.server_keys)).toEqual([server.name])
    return { body: { server_keys: [signJson(server.serverKeys(), notary.name, notary.key)] } }
  })
  await withNotary(notary.name, async (ours) => {
    const { status } = await server.ask(api(ours), 'GET', uri)
    // It was let in: there is no such alias.
    expect(status).toBe(404)
    expect(server.received.length).toBe(1)
  })
  await server.stop()
})

it.each([
  ['the notary has not signed', (server: ReturnType<typeof newRemote>) => server.serverKeys()],
  [
    'another key of the notary’s name has signed',
    (server: ReturnType<typeof newRemote>) =>
      signJson(server.serverKeys(), notary.name, newKey('ed25519:r_1')),
  ],
  [
    'its server has not signed',
    (server: ReturnType<typeof newRemote>) =>
      signJson({ ...server.serverKeys(), signatures: {} }, notary.name, notary.key),
  ],
])('a key that %s does not count', async (_, keys) => {
  const server = await silent()
  notary.on('POST', QUERY, () => ({ body: { server_keys: [keys(server)] } }))
  await withNotary(notary.name, async (ours) => {
    expect((await server.ask(api(ours), 'GET', uri)).status).toBe(401)
  })
  await server.stop()
})

it('a notary that does not answer is passed over for the next', async () => {
  const server = await silent()
  const broken = await silent()
  notary.on('POST', QUERY, () => ({
    body: { server_keys: [signJson(server.serverKeys(), notary.name, notary.key)] },
  }))
  await withNotary(`${broken.name},${notary.name}`, async (ours) => {
    expect((await server.ask(api(ours), 'GET', uri)).status).toBe(404)
  })
  await Promise.all([server.stop(), broken.stop()])
})

it('a server that never answers holds up nobody else', async () => {
  const hung = newRemote()
  await hung.start()
  hung.on('GET', '/_matrix/key/v2/server', () => 'never')
  const other = newRemote()
  await other.start()
  await withNotary('none', async (ours) => {
    const waiting = hung.ask(api(ours), 'GET', uri)
    await expect.poll(() => hung.received.length).toBe(1)
    expect((await other.ask(api(ours), 'GET', uri)).status).toBe(404)
    expect((await waiting).status).toBe(401)
    must(await api(ours).request('GET', '/_matrix/federation/v1/version'))
  })
  await Promise.all([hung.stop(), other.stop()])
})
