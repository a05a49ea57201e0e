/** What a sync leaves out because its filter says so, and that it is not lost. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Body, type Client, must, type Query } from '../../support/client.ts'
import { waitingPoll } from '../../support/faults.ts'
import { objectName } from '../../support/server.ts'
import { serving } from '../../support/serving.ts'

const { server, http, someone, alice, bob } = serving(['alice', 'bob'])
const at = (room: string, rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`
const asked = async (client: Client, query: Query = {}): Promise<Body> => must(await client.sync(query)).body
const tokenOf = async (client: Client): Promise<string> => (await asked(client)).next_batch
const typesOf = (events: Body[]) => events.map(({ type }) => type)
const bodiesOf = (section: Body) => section.timeline.events.map((event: Body) => event.content.body)
const inline = (filter: Body) => JSON.stringify(filter)

describe('a filter', () => {
  let room: string
  let since: string

  beforeAll(async () => {
    room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    since = await tokenOf(alice)
    await alice.say(room, 'by alice')
    await bob.say(room, 'by bob')
    await alice.put(at(room, 'state/m.room.topic'), { topic: 'new' })
  })

  const filtered = async (filter: Body, query: Query = {}) =>
    (await asked(alice, { since, filter: inline(filter), ...query })).rooms?.join?.[room]

  it('chooses types', async () => {
    const section = await filtered({ room: { timeline: { types: ['m.room.message'] } } })
    expect(bodiesOf(section)).toEqual(['by alice', 'by bob'])
  })

  it('chooses senders', async () => {
    expect(bodiesOf(await filtered({ room: { timeline: { senders: [bob.userId] } } }))).toEqual(['by bob'])
  })

  it('leaves rooms out, and what happened in them is not lost', async () => {
    const body = await asked(alice, { since, filter: inline({ room: { not_rooms: [room] } }) })
    expect(body.rooms?.join?.[room]).toBeUndefined()
    const later = (await asked(alice, { since: body.next_batch })).rooms.join[room]
    expect(later.timeline.events).toHaveLength(3)
  })

  it('leaves a room out of the first sync, and the next one shows it whole', async () => {
    const body = await asked(alice, { filter: inline({ room: { not_rooms: [room] } }) })
    const later = (await asked(alice, { since: body.next_batch })).rooms.join[room]
    expect(typesOf([...later.timeline.events, ...later.state.events])).toContain('m.room.create')
  })

  it('holds for account data of rooms', async () => {
    const before = await tokenOf(alice)
    const path = `/user/${encodeURIComponent(alice.userId)}/rooms/${encodeURIComponent(room)}/account_data/org.example.tag`
    must(await alice.put(path, { a: 1 }))
    const none = inline({ room: { account_data: { not_types: ['org.example.tag'] } } })
    expect((await asked(alice, { since: before, filter: none })).rooms).toBeUndefined()
    expect((await asked(alice, { since: before })).rooms.join[room].account_data.events).toEqual([
      { type: 'org.example.tag', content: { a: 1 } },
    ])
  })

  it('given by its id is the same', async () => {
    const path = `/user/${encodeURIComponent(alice.userId)}/filter`
    const { filter_id } = must(await alice.post(path, { room: { timeline: { limit: 1 } } })).body
    const section = (await asked(alice, { since, filter: filter_id })).rooms.join[room]
    expect(typesOf(section.timeline.events)).toEqual(['m.room.topic'])
  })

  it('that loads members lazily brings the members that speak', async () => {
    const lazy = inline({
      room: { state: { lazy_load_members: true }, timeline: { senders: [bob.userId], limit: 1 } },
    })
    const section = (await asked(alice, { filter: lazy })).rooms.join[room]
    const members = section.state.events.filter(({ type }: Body) => type === 'm.room.member')
    expect(members.map(({ state_key }: Body) => state_key).toSorted()).toEqual([alice.userId, bob.userId])
  })

  it('does not narrow what a poll without a filter is told, even after an eviction', async () => {
    const carol = await someone()
    const [seen, hidden] = [await carol.createRoom(), await carol.createRoom()]
    const from = await tokenOf(carol)
    const filter = inline({ room: { rooms: [seen] } })
    const { answer: narrow } = await waitingPoll(http, carol, { since: from, filter })
    await carol.say(hidden, 'unseen by the poll')
    await server.evict('USER', objectName.user(server.serverName, carol.userId))
    const body = await asked(carol, { since: from })
    expect(bodiesOf(body.rooms.join[hidden])).toEqual(['unseen by the poll'])
    await carol.say(seen, 'seen')
    expect(bodiesOf((await narrow).body.rooms.join[seen])).toEqual(['seen'])
  })
})
