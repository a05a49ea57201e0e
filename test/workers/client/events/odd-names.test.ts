/** Names that clients choose, and that JavaScript takes for something else. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { makeDevice } from '../../../support/keys.ts'
import { serving } from '../../../support/serving.ts'

const { http } = serving([], { presence: 'off' })
let alice: Client
let bob: Client
let carol: Client

beforeAll(async () => {
  alice = await http.register('alice', { device_id: 'toString' })
  bob = await http.register('bob', { device_id: 'constructor' })
  carol = await http.register('carol', { device_id: '__proto__' })
})

const NAMES = ['__proto__', 'constructor', 'toString']
const ask = (
  client: Client,
  method: string,
  path: string,
  raw: string,
): Promise<{ status: number; body: Body }> =>
  http.request(method, path, undefined, {
    token: client.token,
    raw,
    headers: { 'content-type': 'application/json' },
  })

describe.each(NAMES)('the name %s', (name) => {
  it('may be the name of account data', async () => {
    const room = await alice.createRoom()
    const base = `/user/${encodeURIComponent(alice.userId)}`
    for (const path of [
      `${base}/account_data/${name}`,
      `${base}/rooms/${encodeURIComponent(room)}/account_data/${name}`,
    ]) {
      expect((await alice.get(path)).status).toBe(404)
      must(await alice.put(path, { n: 1 }))
      expect((await alice.get(path)).body).toEqual({ n: 1 })
    }
    const { account_data } = must(await alice.sync()).body.rooms.join[room]
    expect(account_data.events).toEqual([{ type: name, content: { n: 1 } }])
  })

  it('may be the name of a push rule, and its pattern', async () => {
    must(await alice.put(`/pushrules/global/content/${name}`, { pattern: name, actions: ['notify'] }))
    const rules = must(await alice.get('/pushrules/global/')).body.content
    expect(rules.map(({ rule_id }: Body) => rule_id)).toContain(name)
    must(await alice.delete(`/pushrules/global/content/${name}`))
  })
})

describe('a backup', () => {
  it.each(NAMES)('keeps the key of a session of the name %s', async (name) => {
    const algorithm = 'm.megolm_backup.v1.curve25519-aes-sha2'
    const { version } = must(await alice.post('/room_keys/version', { algorithm, auth_data: {} })).body
    const key = { first_message_index: 0, forwarded_count: 0, is_verified: true, session_data: { c: 'x' } }
    const room = '!room:test.example'
    const at = (rest: string) => `/room_keys/keys${rest}?version=${version}`
    const one = at(`/${encodeURIComponent(room)}/${name}`)
    expect((await alice.get(one)).status).toBe(404)
    const text = `{"rooms":{"${room}":{"sessions":{"${name}":${JSON.stringify(key)}}}}}`
    expect(must({ ...(await ask(alice, 'PUT', at(''), text)), headers: new Headers() }).body.count).toBe(1)
    expect((await alice.get(one)).body).toEqual(key)
    const all = must(await alice.get(at(''))).body.rooms[room].sessions
    expect(Object.entries(all)).toEqual([[name, key]])
  })
})

describe('a device', () => {
  it('may have it, with its keys, its messages and its display name', async () => {
    for (const client of [alice, bob, carol]) {
      const device = makeDevice(client)
      const body = { device_keys: device.keys, one_time_keys: device.oneTimeKeys(1) }
      must(await client.post('/keys/upload', body))
      const viewer = client === alice ? bob : alice
      const ids = `{"${client.userId}":["${client.deviceId}"]}`
      const { body: seen } = await ask(viewer, 'POST', '/keys/query', `{"device_keys":${ids}}`)
      expect(Object.keys(seen.device_keys[client.userId])).toEqual([client.deviceId])
      const wanted = `{"${client.userId}":{"${client.deviceId}":"signed_curve25519"}}`
      const { body: claimed } = await ask(viewer, 'POST', '/keys/claim', `{"one_time_keys":${wanted}}`)
      expect(Object.keys(claimed.one_time_keys[client.userId])).toEqual([client.deviceId])
      const messages = `{"messages":{"${client.userId}":{"${client.deviceId}":{"__proto__":{"n":1}}}}}`
      expect(
        (await ask(viewer, 'PUT', `/sendToDevice/org.example/${client.deviceId}`, messages)).status,
      ).toBe(200)
      const { events } = must(await client.sync()).body.to_device
      expect(JSON.stringify(events[0].content)).toBe('{"__proto__":{"n":1}}')
      const { devices } = must(await client.get('/devices')).body
      expect(devices.map(({ device_id }: Body) => device_id)).toEqual([client.deviceId])
    }
  })
})
