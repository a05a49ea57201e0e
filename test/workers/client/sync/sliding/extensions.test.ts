/** Sliding sync: what its extensions tell, and to whom. */
import { expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../../support/client.ts'
import { waitingRequest } from '../../../../support/faults.ts'
import { serving } from '../../../../support/serving.ts'
import { allRooms, connection } from './connection.ts'

const { http, someone } = serving()

const at = (id: string, rest: string) => `/rooms/${encodeURIComponent(id)}/${rest}`
const mine = (client: Client, rest: string) => `/user/${encodeURIComponent(client.userId)}/${rest}`
const on = (...names: string[]) => ({
  extensions: Object.fromEntries(names.map((name) => [name, { enabled: true }])),
})
const contents = (events: Body[]) => Object.fromEntries(events.map(({ type, content }) => [type, content]))

it('tells nothing that was not asked for, and ignores what it does not know', async () => {
  const alice = await someone()
  const main = connection(http, alice)
  expect((await main.ask()).extensions).toEqual({})
  expect((await main.ask(on('io.element.unknown'))).extensions).toEqual({})
})

it('account_data: all of it first, and then what changes, of none but the rooms that the client has', async () => {
  const alice = await someone()
  const [room, hidden] = [await alice.createRoom(), await alice.createRoom()]
  await alice.say(room, 'newest')
  must(await alice.put(mine(alice, 'account_data/org.example.a'), { a: 1 }))
  const tag = (id: string, name: string) =>
    alice.put(mine(alice, `rooms/${encodeURIComponent(id)}/tags/${name}`), {})
  must(await tag(room, 'm.favourite'))
  must(await tag(hidden, 'u.x'))
  const main = connection(http, alice)
  const asked = { ...allRooms(0), ...on('account_data') }
  const first = (await main.ask(asked)).extensions.account_data
  expect(contents(first.global)).toMatchObject({
    'org.example.a': { a: 1 },
    'm.push_rules': expect.any(Object),
  })
  expect(Object.keys(first.rooms)).toEqual([room])
  expect(contents(first.rooms[room])).toEqual({ 'm.tag': { tags: { 'm.favourite': {} } } })
  expect((await main.ask(asked)).extensions).toEqual({})
  must(await alice.put(mine(alice, 'account_data/org.example.b'), { b: 1 }))
  must(await tag(hidden, 'u.y'))
  const next = (await main.ask(asked)).extensions.account_data
  expect(next).toEqual({ global: [{ type: 'org.example.b', content: { b: 1 } }] })
  await alice.say(hidden, 'now here')
  const { rooms } = (await main.ask(asked)).extensions.account_data
  expect(contents(rooms[hidden])).toEqual({ 'm.tag': { tags: { 'u.x': {}, 'u.y': {} } } })
  // A room that has left the window is the client's still.
  must(await tag(room, 'u.z'))
  expect(Object.keys((await main.ask(asked)).extensions.account_data.rooms)).toEqual([room])
})

it('receipts: those of the timeline and the user’s own first, and then each', async () => {
  const [alice, bob, carol] = [await someone(), await someone(), await someone()]
  const room = await alice.createRoom({ preset: 'public_chat' })
  for (const one of [bob, carol]) must(await one.join(room))
  const [old, newest] = [await alice.say(room, 'old'), await alice.say(room, 'newest')]
  const read = (client: Client, event: string) =>
    client.post(at(room, `receipt/m.read/${encodeURIComponent(event)}`))
  must(await read(bob, old))
  must(await read(carol, newest))
  must(await read(alice, old))
  const main = connection(http, alice)
  const asked = { ...allRooms(), ...on('receipts') }
  const { type, content } = (await main.ask(asked)).extensions.receipts.rooms[room]
  expect(type).toBe('m.receipt')
  expect(Object.keys(content[newest]['m.read'])).toEqual([carol.userId])
  expect(Object.keys(content[old]['m.read'])).toEqual([alice.userId])
  must(await read(bob, newest))
  const answer = await waitingOrNews(main, asked)
  expect(Object.keys(answer.extensions.receipts.rooms[room].content[newest]['m.read'])).toEqual([bob.userId])
  expect(answer.rooms).toEqual({})
})

/** Asks until there is something. */
async function waitingOrNews(main: ReturnType<typeof connection>, asked: Body): Promise<Body> {
  return main.ask(asked, { timeout: 20_000 })
}

it('typing: who is typing, and that nobody is any more', async () => {
  const [alice, bob] = [await someone(), await someone()]
  const room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
  const main = connection(http, alice)
  const asked = { ...allRooms(), ...on('typing') }
  await main.ask(asked)
  const type = (typing: boolean) =>
    bob.put(at(room, `typing/${encodeURIComponent(bob.userId)}`), { typing, timeout: 30_000 })
  must(await type(true))
  const typed = (users: string[]) => ({
    rooms: { [room]: { type: 'm.typing', content: { user_ids: users } } },
  })
  expect((await waitingOrNews(main, asked)).extensions.typing).toEqual(typed([bob.userId]))
  must(await type(false))
  expect((await waitingOrNews(main, asked)).extensions.typing).toEqual(typed([]))
})

it('tells of rooms in those lists and subscriptions alone that an extension names', async () => {
  const alice = await someone()
  const [one, two] = [await alice.createRoom(), await alice.createRoom()]
  for (const room of [one, two])
    must(await alice.put(mine(alice, `rooms/${encodeURIComponent(room)}/tags/u.x`), {}))
  const shown = async (scope: Body) => {
    const fresh = connection(http, alice, 'fresh')
    const room_subscriptions = { [one]: { timeline_limit: 1, required_state: [] } }
    const extensions = { account_data: { enabled: true, ...scope } }
    const { account_data } = (await fresh.ask({ ...allRooms(), room_subscriptions, extensions })).extensions
    return Object.keys(account_data.rooms ?? {}).sort()
  }
  expect(await shown({})).toEqual([one, two].sort())
  expect(await shown({ lists: [], rooms: [] })).toEqual([])
  expect(await shown({ lists: [], rooms: ['*'] })).toEqual([one])
  expect(await shown({ lists: ['all'], rooms: [] })).toEqual([one, two].sort())
  expect(await shown({ lists: [], rooms: [two] })).toEqual([two])
})

it('to_device: each message until its place comes back', async () => {
  const [alice, bob] = [await someone(), await someone()]
  const send = async (n: number) => {
    const messages = { [alice.userId]: { [alice.deviceId]: { n } } }
    must(await bob.put(`/sendToDevice/org.example.ping/${Math.random()}`, { messages }))
  }
  const main = connection(http, alice, 'encryption')
  const asked = (since?: string) => ({ extensions: { to_device: { enabled: true, since } } })
  const first = (await main.ask(asked())).extensions.to_device
  expect(first.events).toEqual([])
  await send(1)
  const poll = async () => (await main.ask(asked(first.next_batch), { timeout: 20_000 })).extensions.to_device
  const one = await poll()
  expect(one.events.map(({ content }: Body) => content.n)).toEqual([1])
  expect(await poll()).toEqual(one)
  const none = (await main.ask(asked(one.next_batch))).extensions.to_device
  expect(none).toEqual({ next_batch: one.next_batch, events: [] })
  await send(2)
  const two = (await main.ask(asked(one.next_batch), { timeout: 20_000 })).extensions.to_device
  expect(two.events.map(({ content }: Body) => content.n)).toEqual([2])
})

it('e2ee: whose devices have changed in any room, without a list, and what keys are left', async () => {
  const [alice, bob] = [await someone(), await someone()]
  const room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
  const encryption = connection(http, alice, 'encryption')
  const asked = on('e2ee', 'to_device')
  const nothing = {
    device_one_time_keys_count: { signed_curve25519: 0 },
    device_unused_fallback_key_types: [],
  }
  expect((await encryption.ask(asked)).extensions.e2ee).toEqual(nothing)
  const keys = {
    user_id: bob.userId,
    device_id: bob.deviceId,
    algorithms: [],
    keys: {},
    signatures: {},
  }
  const poll = await waitingRequest(http, alice, () => encryption.ask(asked, { timeout: 20_000 }))
  must(await bob.post('/keys/upload', { device_keys: keys }))
  expect((await poll.answer).extensions.e2ee.device_lists).toEqual({ changed: [bob.userId], left: [] })
  const carol = await someone()
  must(await carol.join(room))
  expect((await encryption.ask(asked, { timeout: 20_000 })).extensions.e2ee.device_lists.changed).toEqual([
    carol.userId,
  ])
  must(await carol.post(at(room, 'leave')))
  expect((await encryption.ask(asked, { timeout: 20_000 })).extensions.e2ee.device_lists.left).toEqual([
    carol.userId,
  ])
  const elsewhere = await bob.createRoom({ preset: 'public_chat' })
  must(await carol.join(elsewhere))
  must(await alice.join(elsewhere))
  const { changed } = (await encryption.ask(asked, { timeout: 20_000 })).extensions.e2ee.device_lists
  expect(changed.sort()).toEqual([bob.userId, carol.userId].sort())
  must(await alice.post(at(elsewhere, 'leave')))
  expect((await encryption.ask(asked, { timeout: 20_000 })).extensions.e2ee.device_lists.left).toEqual([
    carol.userId,
  ])
})

it('presence: of the people around, where it is asked for', async () => {
  const [alice, bob] = [await someone(), await someone()]
  const room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
  const main = connection(http, alice)
  await main.ask(on('presence'))
  must(
    await bob.put(`/presence/${encodeURIComponent(bob.userId)}/status`, {
      presence: 'online',
      status_msg: 'here',
    }),
  )
  let seen: Body[] = []
  while (!seen.some(({ content }) => content.status_msg === 'here'))
    seen = (await main.ask(on('presence'), { timeout: 20_000 })).extensions.presence?.events ?? []
  expect(seen.find(({ sender }) => sender === bob.userId)).toMatchObject({ type: 'm.presence' })
})

it('e2ee: names everybody in a room that the user joins, and nobody for one that comes into a list', async () => {
  const [alice, bob] = [await someone(), await someone()]
  const [known, joined] = [
    await bob.createRoom({ preset: 'public_chat' }),
    await bob.createRoom({ preset: 'public_chat' }),
  ]
  must(await alice.join(known))
  await alice.createRoom()
  const main = connection(http, alice)
  const asked = (to: number) => ({ ...allRooms(to), ...on('e2ee') })
  await main.ask(asked(0))
  const grown = await main.ask(asked(9))
  expect(Object.keys(grown.rooms)).toEqual([known])
  expect(grown.extensions.e2ee.device_lists).toBeUndefined()
  must(await alice.join(joined))
  const { rooms, extensions } = await main.ask(asked(9))
  expect(Object.keys(rooms)).toEqual([joined])
  expect(extensions.e2ee.device_lists.changed).toEqual([bob.userId])
})
