/** Keys of objects that clients choose, and that JavaScript takes for something else: what is kept under one is read back. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { type Body, type Client, must } from '../../../support/client.ts'
import { makeDevice } from '../../../support/keys.ts'
import { serving } from '../../../support/serving.ts'

const { http } = serving([], { presence: 'off' })
let alice: Client
let bob: Client

beforeAll(async () => {
  alice = await http.register('alice')
  bob = await http.register('bob')
})

const at = (...parts: string[]) => `/${parts.map(encodeURIComponent).join('/')}`
const KEY = { first_message_index: 0, forwarded_count: 0, is_verified: true, session_data: { c: 'x' } }

async function backup(): Promise<(room?: string) => string> {
  const algorithm = 'm.megolm_backup.v1.curve25519-aes-sha2'
  const { version } = must(await alice.post('/room_keys/version', { algorithm, auth_data: {} })).body
  return (room) => `/room_keys/keys${room === undefined ? '' : at(room)}?version=${version}`
}

const stateOf = async (room: string, type: string): Promise<Body> =>
  must(await alice.get(`${at('rooms', room, 'state', type)}/`)).body

/** Stores under the key that is given, and answers the object that should have it. */
const PLACES: Record<string, (name: string) => Promise<Body>> = {
  'sessions of a room in a backup': async (name) => {
    const keys = await backup()
    expect(must(await alice.put(keys('!r:test.example'), { sessions: { [name]: KEY } })).body.count).toBe(1)
    return must(await alice.get(keys('!r:test.example'))).body.sessions
  },
  'a key in a backup': async (name) => {
    const keys = await backup()
    const rooms = { '!r:test.example': { sessions: { s: { ...KEY, [name]: 1 } } } }
    must(await alice.put(keys(), { rooms }))
    return must(await alice.get(keys())).body.rooms['!r:test.example'].sessions.s
  },
  'the data of a dehydrated device': async (name) => {
    const path = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device'
    const device = { userId: alice.userId, deviceId: 'DEHYDRATED' }
    must(
      await alice.put(path, {
        device_id: device.deviceId,
        device_data: { algorithm: 'a', [name]: 1 },
        device_keys: makeDevice(device).keys,
      }),
    )
    return must(await alice.get(path)).body.device_data
  },
  'own devices whose signatures are uploaded': async (name) => {
    const signed = { [alice.userId]: { [name]: { device_id: name } } }
    return must(await alice.post('/keys/signatures/upload', signed)).body.failures[alice.userId]
  },
  'keys of others whose signatures are uploaded': async (name) => {
    const signed = { [bob.userId]: { [name]: { usage: ['master'] } } }
    return must(await alice.post('/keys/signatures/upload', signed)).body.failures[bob.userId]
  },
  'the data of a pusher': async (name) => {
    const names = { app_display_name: 'a', device_display_name: 'd', lang: 'en' }
    const data = { url: 'https://push.example/_matrix/push/v1/notify', [name]: 1 }
    must(await alice.post('/pushers/set', { app_id: 'a', pushkey: 'k', kind: 'http', ...names, data }))
    return must(await alice.get('/pushers')).body.pushers[0].data
  },
  'a filter': async (name) => {
    const path = at('user', alice.userId, 'filter')
    const { filter_id } = must(await alice.post(path, { [name]: 1 })).body
    return must(await alice.get(`${path}/${filter_id}`)).body
  },
  'the order of a tag': async (name) => {
    const path = at('user', alice.userId, 'rooms', await alice.createRoom(), 'tags')
    must(await alice.put(`${path}/m.favourite`, { order: 0.5, [name]: 1 }))
    return must(await alice.get(path)).body.tags['m.favourite']
  },
  'an action of a push rule': async (name) => {
    const path = '/pushrules/global/underride/odd'
    const actions = [{ set_tweak: 'sound', [name]: 1 }]
    must(await alice.put(path, { conditions: [{ kind: 'odd', [name]: 1 }], actions }))
    const rule = must(await alice.get(path)).body
    expect(Object.keys(rule.conditions[0])).toContain(name)
    return rule.actions[0]
  },
  'the lists of a sliding sync': async (name) => {
    await alice.createRoom()
    const list = { ranges: [[0, 9]], timeline_limit: 1, required_state: [] }
    const path = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'
    return must(await alice.post(path, { lists: { [name]: list } })).body.lists
  },
  'the content of a join': async (name) => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.post(at('join', room), { [name]: 1 }))
    return must(await alice.get(at('rooms', room, 'state', 'm.room.member', bob.userId))).body
  },
  'power levels for a new room': async (name) => {
    const room = await alice.createRoom({ power_level_content_override: { [name]: 1 } })
    return stateOf(room, 'm.room.power_levels')
  },
  'power levels of events for a new room': async (name) => {
    const room = await alice.createRoom({ power_level_content_override: { events: { [name]: 50 } } })
    return (await stateOf(room, 'm.room.power_levels')).events
  },
  'the content of m.room.create': async (name) => {
    const room = await alice.createRoom({ creation_content: { [name]: 1 } })
    return stateOf(room, 'm.room.create')
  },
}

describe.each(['__proto__', 'constructor'])('the key %s', (name) => {
  it.each(Object.keys(PLACES))('is kept in %s', async (place) => {
    expect(Object.keys(await PLACES[place]!(name))).toContain(name)
  })
})

describe('the key __proto__', () => {
  it.each<[what: string, method: 'put' | 'post', path: string, body: JsonObject, error: string]>([
    [
      'a device that a message is for',
      'put',
      '/sendToDevice/m.odd/t',
      { messages: { '@a:test.example': { ['__proto__']: 1 } } },
      'messages.@a:test.example.__proto__ must be an object',
    ],
    [
      'a session in a backup',
      'put',
      '/room_keys/keys?version=1',
      { rooms: { '!r:test.example': { sessions: { ['__proto__']: 1 } } } },
      'rooms.!r:test.example.sessions.__proto__ must be an object',
    ],
    [
      'a user whose devices are asked for',
      'post',
      '/keys/query',
      { device_keys: { ['__proto__']: [] } },
      'device_keys.__proto__ is not of the right form',
    ],
  ])('is checked as any other: %s', async (_, method, path, body, error) => {
    expect(await alice[method](path, body)).toMatchObject({ status: 400, body: { error } })
  })
})
