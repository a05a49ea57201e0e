/** Receipts and typing wait for a message to travel with; what they cost, and that none is lost (decision 18). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Client, must } from '../../../support/client.ts'
import { planFault } from '../../../support/faults.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const people = ['alice', 'bob', 'carol', 'dan', 'erin'] as const
const { server, http, alice, bob, carol, dan, erin } = serving(people, {
  presence: 'off',
  staysAwake: 'it counts calls',
})
const READS = 20

async function sharedRoom(): Promise<string> {
  const room = await alice.createRoom({ preset: 'public_chat' })
  for (const member of [bob, carol, dan, erin]) must(await member.join(room))
  return room
}

const read = (client: Client, room: string, eventId: string) =>
  client.post(`/rooms/${encodeURIComponent(room)}/receipt/m.read/${encodeURIComponent(eventId)}`)
const type = (client: Client, room: string, is: boolean) =>
  client.put(`/rooms/${encodeURIComponent(room)}/typing/${encodeURIComponent(client.userId)}`, {
    typing: is,
    timeout: 30_000,
  })
const place = async (client: Client): Promise<string> => must(await client.sync()).body.next_batch
const wakes = async (): Promise<number> =>
  must(await http.request('GET', '/_selvedge/test/calls')).body['user.wake'] ?? 0

const bodyOf = ({ content }: { content: { body: string } }) => content.body

/** Polls until an ephemeral event of a type is told. */
async function told(client: Client, room: string, wanted: string, from: string) {
  let since = from
  for (;;) {
    const { body } = must(await client.sync({ since, timeout: 10_000 }))
    const events = body.rooms?.join?.[room]?.ephemeral?.events ?? []
    const event = events.find((one: { type: string }) => one.type === wanted)
    if (event !== undefined) return event.content
    since = body.next_batch
  }
}

describe('receipts', () => {
  it('wake users that only look once a second, and their own user each time', async () => {
    const room = await sharedRoom()
    const events: string[] = []
    for (let i = 0; i < READS; i += 1) events.push(await alice.say(room, `number ${i}`))
    for (const member of [alice, bob, carol, dan, erin]) await place(member)
    const started = Date.now()
    const before = await wakes()
    for (const event of events) must(await read(bob, room, event))
    const count = (await wakes()) - before
    const seconds = Math.ceil((Date.now() - started) / 1_000)
    expect(count).toBeLessThanOrEqual(READS + (people.length - 1) * seconds)
  })

  it('are told when no message comes', async () => {
    const room = await sharedRoom()
    const event = await alice.say(room, 'read me')
    const since = await place(carol)
    must(await read(bob, room, event))
    const content = await told(carol, room, 'm.receipt', since)
    expect(Object.keys(content[event]['m.read'])).toEqual([bob.userId])
  })

  it('are told by a Room that was evicted while they waited', async () => {
    const room = await sharedRoom()
    const event = await alice.say(room, 'read me')
    const since = await place(carol)
    must(await read(bob, room, event))
    await server.evict('ROOM', objectName.room(server.serverName, room))
    const content = await told(carol, room, 'm.receipt', since)
    expect(Object.keys(content[event]['m.read'])).toEqual([bob.userId])
  })

  it('are told to their own user at once', async () => {
    const room = await sharedRoom()
    const since = await place(bob)
    const event = await alice.say(room, 'read me')
    const shown = must(await bob.sync({ since, timeout: 10_000 })).body
    expect(shown.rooms.join[room].unread_notifications.notification_count).toBe(1)
    const before = await wakes()
    must(await read(bob, room, event))
    // The news is under way when the receipt is answered, and not a second later.
    expect(await wakes()).toBeGreaterThan(before)
    const { body } = must(await bob.sync({ since: shown.next_batch, timeout: 10_000 }))
    expect(body.rooms.join[room].unread_notifications.notification_count).toBe(0)
  })
})

describe('typing', () => {
  it('is told by a Room that was evicted while it waited', async () => {
    const room = await sharedRoom()
    const since = await place(carol)
    must(await type(bob, room, true))
    await server.evict('ROOM', objectName.room(server.serverName, room))
    expect(await told(carol, room, 'm.typing', since)).toEqual({ user_ids: [bob.userId] })
    must(await type(bob, room, false))
  })

  it('goes along with a message', async () => {
    const room = await sharedRoom()
    const since = await place(carol)
    must(await type(bob, room, true))
    await bob.say(room, 'typed')
    const { body } = must(await carol.sync({ since, timeout: 10_000 }))
    expect(body.rooms.join[room].ephemeral.events).toEqual([
      { type: 'm.typing', content: { user_ids: [bob.userId] } },
    ])
    must(await type(bob, room, false))
  })
})

describe('on a machine that is behind', () => {
  beforeEach(() => planFault(http, 'machine:behind', 100_000))
  afterEach(() => planFault(http, 'machine:behind', 0))

  it('a poll that comes waits for company, and is answered with all of it', async () => {
    const room = await sharedRoom()
    const since = await place(carol)
    await alice.say(room, 'one')
    const { body } = must(await carol.sync({ since, timeout: 10_000 }))
    await alice.say(room, 'two')
    const answer = carol.sync({ since: body.next_batch, timeout: 10_000 })
    await alice.say(room, 'three')
    const { timeline } = must(await answer).body.rooms.join[room]
    expect(timeline.events.map(bodyOf)).toEqual(['two', 'three'])
  })

  it('a poll that does not want to wait is answered at once', async () => {
    const room = await sharedRoom()
    const since = await place(carol)
    await alice.say(room, 'one')
    const { timeline } = must(await carol.sync({ since })).body.rooms.join[room]
    expect(timeline.events.map(bodyOf)).toEqual(['one'])
  })
})
