/** The number on a user's devices: what changes it, and that it is told when it falls. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { passed, planFault } from '../../../support/faults.ts'
import { pushGateway, setPusher } from '../../../support/push-gateway.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const gateway = pushGateway()
// Nothing may wait for the archive.
const { server, http } = serving([], {
  presence: 'off',
  'allow-private-networks': 'on',
  'archive-delay-ms': '10000',
})
let alice: Client
let bob: Client
let rooms: [string, string]
let pushkey: string
let users = 0

beforeEach(async () => {
  users += 1
  pushkey = `key${users}`
  alice = await http.register(`alice${users}`)
  bob = await http.register(`bob${users}`)
  const [first, second] = [await roomOfBob(), await roomOfBob()]
  rooms = [first, second]
})

const soon = { timeout: 8_000 }
const at = (room: string, rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`
const number = () => gateway.number(pushkey)
async function roomOfBob(): Promise<string> {
  const room = await bob.createRoom({ preset: 'public_chat' })
  must(await alice.join(room))
  return room
}
/** Waits until the rooms know that alice has a pusher. */
async function watched(...of: string[]) {
  for (const room of of) {
    const name = objectName.room(server.serverName, room)
    const members = () => server.sql('ROOM', name, `SELECT user_id FROM push_members`)
    await expect.poll(members, soon).not.toEqual([])
  }
}
/** Alice with a pusher, and the number 3: one in the first room, two in the second. */
async function withThree(): Promise<[string, string, string]> {
  await setPusher(alice, gateway, pushkey)
  await watched(...rooms)
  const events = [await bob.say(rooms[0], '1'), await bob.say(rooms[1], '2'), await bob.say(rooms[1], '3')]
  await expect.poll(() => gateway.events(pushkey), soon).toHaveLength(3)
  expect(number()).toBe(3)
  return events as [string, string, string]
}
const ignore = async (userIds: string[]) => {
  const ignored_users = Object.fromEntries(userIds.map((userId) => [userId, {}]))
  const setting = `/user/${encodeURIComponent(alice.userId)}/account_data/m.ignored_user_list`
  must(await alice.put(setting, { ignored_users }))
}
const read = async (room: string, eventId: string, body: Body = {}) =>
  must(await alice.post(at(room, `receipt/m.read/${encodeURIComponent(eventId)}`), body))

describe('the number on the device', () => {
  const changes: [string, number, (events: [string, string, string]) => Promise<unknown>][] = [
    ['a room is read in part', 2, ([, second]) => read(rooms[1], second)],
    ['a room is read', 1, ([, , third]) => read(rooms[1], third)],
    [
      'it is read in private',
      1,
      ([, , third]) => alice.post(at(rooms[1], `receipt/m.read.private/${encodeURIComponent(third)}`), {}),
    ],
    ['the user speaks', 1, () => alice.say(rooms[1], 'seen')],
    ['a room is left', 1, () => alice.post(at(rooms[1], 'leave'))],
    [
      'a room is left and forgotten',
      1,
      async () => {
        must(await alice.post(at(rooms[1], 'leave')))
        must(await alice.post(at(rooms[1], 'forget')))
      },
    ],
    ['the user is kicked', 1, () => bob.post(at(rooms[1], 'kick'), { user_id: alice.userId })],
    ['the user is banned', 1, () => bob.post(at(rooms[1], 'ban'), { user_id: alice.userId })],
    [
      'a room is muted',
      1,
      () => alice.put(`/pushrules/global/room/${encodeURIComponent(rooms[1])}`, { actions: [] }),
    ],
    [
      'a default rule says nothing more',
      0,
      async () => {
        for (const rule of ['.m.rule.message', '.m.rule.room_one_to_one'])
          must(await alice.put(`/pushrules/global/underride/${rule}/enabled`, { enabled: false }))
      },
    ],
    ['the sender is ignored', 0, () => ignore([bob.userId])],
    [
      'a message is redacted',
      2,
      ([, second]) => bob.put(at(rooms[1], `redact/${encodeURIComponent(second)}/r`), {}),
    ],
    [
      'all are redacted',
      0,
      async (events) => {
        for (const [i, id] of events.entries())
          must(await bob.put(at(rooms[i === 0 ? 0 : 1], `redact/${encodeURIComponent(id)}/r${i}`), {}))
      },
    ],
  ]
  it.each(changes)('is told again when %s: %i', async (_, expected, change) => {
    const events = await withThree()
    await change(events)
    await expect.poll(number, soon).toBe(expected)
    expect(gateway.events(pushkey)).toEqual(events)
    expect(gateway.got(pushkey).at(-1)).toMatchObject({ prio: 'low', counts: { unread: expected } })
    await bob.say(rooms[0], 'one more')
    const all = expected + (['the sender is ignored', 'a default rule says nothing more'].includes(_) ? 0 : 1)
    await expect.poll(number, soon).toBe(all)
  })

  it('falls by a receipt in a thread', async () => {
    const [, root] = await withThree()
    const content = { msgtype: 'm.text', body: 'x', 'm.relates_to': { rel_type: 'm.thread', event_id: root } }
    const { event_id } = must(await bob.put(at(rooms[1], 'send/m.room.message/t'), content)).body
    await expect.poll(number, soon).toBe(4)
    await read(rooms[1], event_id, { thread_id: root })
    await expect.poll(number, soon).toBe(3)
  })

  it('counts earlier messages too for the first pusher, and then falls', async () => {
    await bob.say(rooms[0], '1')
    const second = await bob.say(rooms[1], '2')
    await bob.say(rooms[1], '3')
    await setPusher(alice, gateway, pushkey)
    await watched(...rooms)
    await read(rooms[1], second)
    await expect.poll(number, soon).toBe(2)
    await bob.say(rooms[0], '4')
    await expect.poll(number, soon).toBe(3)
  })

  it('counts all rooms for the first pusher', async () => {
    await withThree()
    must(await alice.post('/pushers/set', { app_id: 'org.example.app', pushkey, kind: null }))
    const name = objectName.room(server.serverName, rooms[0])
    await expect.poll(() => server.sql('ROOM', name, 'SELECT 1 FROM push_members'), soon).toEqual([])
    await bob.say(rooms[0], 'unheard')
    pushkey += 'b'
    await setPusher(alice, gateway, pushkey)
    await watched(...rooms)
    await bob.say(rooms[1], 'heard')
    await expect.poll(number, soon).toBe(5)
  })

  it('is not told again if it has not fallen', async () => {
    const [first] = await withThree()
    const told = gateway.got(pushkey).length
    await ignore(['@nobody:test.example'])
    must(await alice.put('/pushrules/global/content/word', { actions: [], pattern: 'word' }))
    const before = await bob.say(rooms[0], 'four')
    await expect.poll(number, soon).toBe(4)
    await read(rooms[0], first)
    await read(rooms[0], first)
    await expect.poll(number, soon).toBe(3)
    await bob.say(rooms[0], 'five')
    await expect.poll(number, soon).toBe(4)
    expect(gateway.got(pushkey).length).toBe(told + 3)
    expect(gateway.events(pushkey)).toContain(before)
  })

  it('comes back when its sender is no longer ignored, and stays away for a room that was left', async () => {
    await withThree()
    await ignore([bob.userId])
    await expect.poll(number, soon).toBe(0)
    must(await alice.post(at(rooms[1], 'leave')))
    await ignore([])
    await bob.say(rooms[0], 'again')
    await expect.poll(number, soon).toBe(2)
  })
})

describe('the number, counted anew,', () => {
  const mute = (actions: string[]) =>
    alice.put(`/pushrules/global/room/${encodeURIComponent(rooms[1])}`, { actions })

  it('also counts a room that was muted and counted for nothing', async () => {
    await withThree()
    must(await mute([]))
    await expect.poll(number, soon).toBe(1)
    must(await mute(['notify']))
    await bob.say(rooms[0], 'four')
    await expect.poll(number, soon).toBe(4)
  })

  it('is not told to a pusher that was told nothing yet', async () => {
    await setPusher(alice, gateway, pushkey)
    await watched(...rooms)
    must(await mute([]))
    const waiting = () =>
      server.sql('USER', objectName.user(server.serverName, alice.userId), 'SELECT seq FROM push_queue')
    // Counted later, the number would be that of the message already, and told by itself.
    await expect.poll(waiting, soon).toEqual([])
    const event = await bob.say(rooms[0], 'the first')
    await expect.poll(() => gateway.events(pushkey), soon).toEqual([event])
    expect(gateway.got(pushkey)).toHaveLength(1)
  })

  it('is right again after a room did not answer', async () => {
    const [first] = await withThree()
    await planFault(http, 'drop:room.unread')
    await read(rooms[0], first)
    await passed(http, 'drop:room.unread')
    await bob.say(rooms[1], 'four')
    await expect.poll(() => gateway.events(pushkey), soon).toHaveLength(4)
    await bob.say(rooms[1], 'five')
    await expect.poll(() => gateway.events(pushkey), soon).toHaveLength(5)
    expect(number()).toBe(4)
  })
})

describe('the word that somebody has read', () => {
  it('is sent again if it was lost', async () => {
    const [first] = await withThree()
    await planFault(http, 'drop:user.pushRead')
    await read(rooms[0], first)
    await passed(http, 'drop:user.pushRead')
    // A Room tries again with its archive, which is late here.
    await expect.poll(number, { timeout: 20_000 }).toBe(2)
  })
})

describe('of two pushers', () => {
  it('a refused one is told nothing more, and the other everything', async () => {
    await withThree()
    const other = `${pushkey}-other`
    await setPusher(alice, gateway, other)
    gateway.answer(pushkey, { status: 200, body: { rejected: [pushkey] } })
    await bob.say(rooms[0], 'four')
    const pushkeys = async () =>
      must(await alice.get('/pushers')).body.pushers.map((pusher: Body) => pusher.pushkey)
    await expect.poll(pushkeys, soon).toEqual([other])
    await expect.poll(() => gateway.number(other), soon).toBe(4)
    const told = gateway.got(pushkey).length
    const last = await bob.say(rooms[0], 'five')
    await read(rooms[0], last)
    await expect.poll(() => gateway.number(other), soon).toBe(2)
    expect(gateway.got(pushkey).length).toBe(told)
    const name = objectName.user(server.serverName, alice.userId)
    const remembered = () => server.sql('USER', name, 'SELECT pushkey FROM push_told')
    await expect.poll(remembered, soon).toEqual([{ pushkey: other }])
  })

  it('one that fails keeps nothing from the other, and is later told the current number', async () => {
    await withThree()
    const other = `${pushkey}-other`
    await setPusher(alice, gateway, other)
    gateway.answer(pushkey, { status: 500 })
    const last = await bob.say(rooms[1], 'four')
    await expect.poll(() => gateway.number(other), soon).toBe(4)
    await read(rooms[1], last)
    await expect.poll(() => gateway.number(other), soon).toBe(1)
    gateway.answer(pushkey, { status: 200 })
    await expect.poll(number, { timeout: 15_000 }).toBe(1)
  })
})
