/** Requests of other servers: who signed them, for whom, and by which key. */
import { describe, expect, it } from 'vitest'
import { must } from '../../support/client.ts'
import { federating, newKey, newRemote, remote } from '../../support/federation/remote.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { http, alice, server: ours } = serving(['alice'], federating)

const uri = '/_matrix/federation/v1/query/directory?room_alias=%23tea%3Atest.example'
const KEYS = '/_matrix/key/v2/server'
const asked = (server = other) => server.received.filter(({ uri: path }) => path === KEYS).length

describe('a request', () => {
  it('that its server has signed is answered, and its keys are asked for once', async () => {
    const roomId = await alice.createRoom({ room_alias_name: 'tea' })
    for (let time = 0; time < 3; time += 1) {
      const { body } = must(await other.ask(http, 'GET', uri))
      expect(body).toEqual({ room_id: roomId, servers: ['test.example'] })
    }
    expect(asked()).toBe(1)
  })

  it('without a signature is refused', async () => {
    const { status, body } = await http.request('GET', uri)
    expect([status, body.errcode]).toEqual([401, 'M_UNAUTHORIZED'])
  })

  it('for another server is refused', async () => {
    const { status, body } = await other.ask(http, 'GET', uri, undefined, { destination: 'else.example' })
    expect([status, body.error]).toEqual([401, 'The request is for else.example: this is test.example'])
  })

  it('in the name of this server itself is refused', async () => {
    expect((await other.ask(http, 'GET', uri, undefined, { origin: 'test.example' })).status).toBe(401)
  })

  it('in the name of another server is refused', async () => {
    const forged = newRemote()
    await forged.start()
    const { status, body } = await other.ask(http, 'GET', uri, undefined, { origin: forged.name })
    expect([status, body.error]).toEqual([401, `The request has no valid signature of ${forged.name}`])
    await forged.stop()
  })

  it.each([
    ['another path', { uri: `${uri}x` }],
    ['another method', { method: 'PUT' }],
    ['a body', { content: { any: 1 } }],
    ['the id of its key, by another key', { key: newKey('ed25519:r_1') }],
  ])('signed with %s is refused', async (_, as) => {
    expect((await other.ask(http, 'GET', uri, undefined, as)).status).toBe(401)
  })

  it('by a key that its server does not name is refused, and the server is not asked for it again at once', async () => {
    const before = asked()
    for (const id of ['ed25519:r_2', 'ed25519:r_3']) {
      const { status } = await other.ask(http, 'GET', uri, undefined, { key: newKey(id) })
      expect(status).toBe(401)
    }
    expect(asked()).toBe(before)
  })
})

describe('the keys of a server', () => {
  /** A server that tells its keys so. */
  async function telling(tell: (server: ReturnType<typeof newRemote>) => Parameters<typeof other.on>[2]) {
    const server = newRemote()
    await server.start()
    server.on('GET', KEYS, tell(server))
    return server
  }

  it.each([
    [
      'ended before the request',
      (server: ReturnType<typeof newRemote>) => () => {
        const { key } = server
        const old = { [key.id]: { key: key.publicKey, expired_ts: Date.now() - 1 } }
        const now = newKey('ed25519:r_9')
        return {
          body: server.serverKeys({
            verify_keys: { [now.id]: { key: now.publicKey } },
            old_verify_keys: old,
          }),
        }
      },
    ],
    [
      'are valid no longer',
      (server: ReturnType<typeof newRemote>) => () => ({
        body: server.serverKeys({ valid_until_ts: Date.now() - 1 }),
      }),
    ],
    [
      'are another server’s',
      (server: ReturnType<typeof newRemote>) => () => ({
        body: server.serverKeys({ server_name: other.name }),
      }),
    ],
    [
      'come without a signature',
      (server: ReturnType<typeof newRemote>) => () => ({ body: { ...server.serverKeys(), signatures: {} } }),
    ],
    ['are no JSON', () => () => ({ raw: '<html>' })],
    ['lead elsewhere', () => () => ({ status: 302, headers: { location: `https://${other.name}${KEYS}` } })],
    ['are an error', () => () => ({ status: 500 })],
    ['never end', () => () => 'endless' as const],
  ])('that %s let nothing pass', async (_, tell) => {
    const server = await telling(tell as never)
    const { status } = await server.ask(http, 'GET', uri)
    expect(status).toBe(401)
    await server.stop()
  })

  it('are asked again only after a while where there was no answer', async () => {
    const server = await telling(() => () => ({ status: 500 }))
    for (let time = 0; time < 3; time += 1) expect((await server.ask(http, 'GET', uri)).status).toBe(401)
    expect(asked(server)).toBe(1)
    await server.stop()
  })

  it('are kept for the next start', async () => {
    const server = newRemote()
    await server.start()
    must(await server.ask(http, 'GET', uri))
    expect(asked(server)).toBe(1)
    await ours.restart()
    must(await server.ask(http, 'GET', uri))
    expect(asked(server)).toBe(1)
    await server.stop()
  })
})
