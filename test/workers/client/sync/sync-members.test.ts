/** The members that a sync brings: lazy ones, and the heroes of the summary. */
import { describe, expect, it } from 'vitest'
import { type Body, must } from '../../../support/client.ts'
import { objectName } from '../../../support/server.ts'
import { fourPeople, joinedRoom, membersOf, room, sync } from './four.ts'

const { server, http, alice, bob, carol, dora, four } = fourPeople()

const lazy = (limit = 20, more: object = {}) =>
  JSON.stringify({ room: { state: { lazy_load_members: true, ...more }, timeline: { limit } } })

describe('lazy loading', () => {
  it('brings the members of the timeline, the user, and the heroes of a room without a name', async () => {
    const named = await four({ name: 'Named' })
    const nameless = await four()
    const rooms = (await sync(dora, { filter: lazy(2) })).rooms.join
    expect(membersOf(rooms[named].state.events)).toEqual([bob.userId, dora.userId])
    expect(membersOf(rooms[nameless].state.events)).toEqual(
      [alice, bob, carol, dora].map(({ userId }) => userId).sort(),
    )
    const all = (await sync(dora, { filter: JSON.stringify({ room: { timeline: { limit: 2 } } }) })).rooms
      .join
    expect(membersOf(all[named].state.events)).toHaveLength(4)
  })

  it('brings the senders of an increment with their first message, and with each message if asked', async () => {
    const id = await four({ name: 'Named' })
    let { next_batch: since } = await sync(dora, { filter: lazy(2) })
    const next = async (more: object = {}): Promise<string[]> => {
      const { rooms, next_batch } = await sync(dora, { since, filter: lazy(20, more) })
      since = next_batch
      expect(rooms.join[id].timeline.events).toHaveLength(1)
      return membersOf(rooms.join[id].state.events)
    }
    await carol.say(id, 'hello')
    expect(await next()).toEqual([carol.userId])
    await carol.say(id, 'hello again')
    expect(await next()).toEqual([])
    await carol.say(id, 'and again')
    expect(await next({ include_redundant_members: true })).toEqual([carol.userId])
    must(await dora.post(room(id, '/leave')))
    must(await dora.join(id))
    since = (await sync(dora, { since, filter: lazy(1) })).next_batch
    await carol.say(id, 'welcome back')
    expect(await next()).toEqual([carol.userId])
  })

  it('brings a member again until the answer has arrived, for each device, and after an eviction', async () => {
    const id = await four({ name: 'Named' })
    const { next_batch: since } = await sync(dora, { filter: lazy(2) })
    await carol.say(id, 'hello')
    const ask = (from: string, client = dora) => sync(client, { since: from, filter: lazy() })
    const lost = await ask(since)
    const arrived = await ask(since)
    for (const answer of [lost, arrived]) {
      expect(membersOf(answer.rooms.join[id].state.events)).toEqual([carol.userId])
    }
    await carol.say(id, 'hello again')
    expect(membersOf((await ask(arrived.next_batch)).rooms.join[id].state.events)).toEqual([])
    const other = await http.login('dora')
    expect(membersOf((await ask(arrived.next_batch, other)).rooms.join[id].state.events)).toEqual([
      carol.userId,
    ])
    // An old token again: what came after it may never have been stored.
    expect(membersOf((await ask(since)).rooms.join[id].state.events)).toEqual([carol.userId])
    const third = await ask(arrived.next_batch)
    await server.evict('USER', objectName.user(server.serverName, dora.userId))
    await carol.say(id, 'after all')
    expect(membersOf((await ask(third.next_batch)).rooms.join[id].state.events)).toEqual([carol.userId])
  })

  it('brings a member once to a poll that waited', async () => {
    const id = await four({ name: 'Named' })
    const { next_batch: since } = await sync(dora, { filter: lazy(2) })
    const poll = (from: string) => sync(dora, { since: from, filter: lazy(), timeout: '5000' })
    const first = poll(since)
    await carol.say(id, 'hello')
    expect(membersOf((await first).rooms.join[id].state.events)).toEqual([carol.userId])
    const second = poll((await first).next_batch)
    await carol.say(id, 'hello again')
    expect(membersOf((await second).rooms.join[id].state.events)).toEqual([])
  })

  it('brings a member that has changed since', async () => {
    const id = await four({ name: 'Named' })
    const first = await sync(dora, { filter: lazy(2) })
    await carol.say(id, 'hello')
    const second = await sync(dora, { since: first.next_batch, filter: lazy() })
    must(await carol.put(`/profile/${carol.userId}/displayname`, { displayname: 'Carola' }))
    for (let n = 0; n < 4; n += 1) await carol.say(id, `${n}`)
    const third = await sync(dora, { since: second.next_batch, filter: lazy(2) })
    const [member] = third.rooms.join[id].state.events.filter(
      ({ state_key }: Body) => state_key === carol.userId,
    )
    expect(member.content.displayname).toBe('Carola')
  })

  it('names only speakers and known members after a gap, unless all were asked for', async () => {
    const id = await four({ name: 'Named' })
    for (let n = 0; n < 4; n += 1) await bob.say(id, `${n}`)
    const { next_batch: since } = await sync(dora, { filter: lazy(2) })
    must(await carol.post(room(id, '/leave')))
    for (let n = 0; n < 4; n += 1) await bob.say(id, `${n}`)
    const behindGap = async () =>
      membersOf((await joinedRoom(dora, id, { since, filter: lazy(2) })).state.events)
    expect(await behindGap()).toEqual([])
    must(await dora.get(room(id, '/members')))
    expect(await behindGap()).toEqual([carol.userId])
  })

  it('brings every change of membership inside a gap', async () => {
    const id = await four({ name: 'Named' })
    const { next_batch: since } = await sync(dora, { filter: lazy() })
    must(await carol.post(room(id, '/leave')))
    for (let n = 0; n < 4; n += 1) await bob.say(id, `${n}`)
    const section = await joinedRoom(dora, id, { since, filter: lazy(2) })
    expect(section.timeline.limited).toBe(true)
    const change = section.state.events.find(({ state_key }: Body) => state_key === carol.userId)
    expect(change.content.membership).toBe('leave')
  })
})

describe('the summary', () => {
  it('names heroes if the room has no name, and follows joins and leaves', async () => {
    const id = await alice.createRoom({ preset: 'public_chat' })
    const first = await sync(alice)
    expect(first.rooms.join[id].summary).toEqual({
      'm.heroes': [],
      'm.joined_member_count': 1,
      'm.invited_member_count': 0,
    })
    must(await alice.invite(id, bob.userId))
    must(await carol.join(id))
    const next = await sync(alice, { since: first.next_batch, filter: lazy() })
    const section = next.rooms.join[id]
    expect(section.summary).toEqual({
      'm.heroes': [carol.userId, bob.userId],
      'm.joined_member_count': 2,
      'm.invited_member_count': 1,
    })
    await carol.say(id, 'nothing about members')
    const third = await sync(alice, { since: next.next_batch })
    expect(third.rooms.join[id].summary).toEqual({})
    must(await alice.put(room(id, '/state/m.room.name/'), { name: 'Named' }))
    const fourth = await sync(alice, { since: third.next_batch })
    expect(fourth.rooms.join[id].summary['m.heroes']).toBeUndefined()
    must(await alice.put(room(id, '/state/m.room.name/'), {}))
    const fifth = await sync(alice, { since: fourth.next_batch, filter: lazy() })
    expect(fifth.rooms.join[id].summary['m.heroes']).toEqual([carol.userId, bob.userId])
    expect(membersOf(fifth.rooms.join[id].state.events)).toEqual(
      expect.arrayContaining([bob.userId, carol.userId]),
    )
  })

  it('names members that left only when there is no other', async () => {
    const id = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(id))
    must(await bob.post(room(id, '/leave')))
    const section = await joinedRoom(alice, id)
    expect(section.summary).toEqual({
      'm.heroes': [bob.userId],
      'm.joined_member_count': 1,
      'm.invited_member_count': 0,
    })
  })
})

describe('lazy members in /messages', () => {
  it('are the senders, as they were at the newest event shown', async () => {
    const id = await four()
    const filter = JSON.stringify({ lazy_load_members: true, types: ['m.room.message'] })
    const { state } = must(await dora.get(room(id, '/messages'), { dir: 'b', limit: 2, filter })).body
    expect(membersOf(state)).toEqual([bob.userId])
    expect(state[0]).toMatchObject({ room_id: id, content: { membership: 'join' } })
    must(await bob.post(room(id, '/leave')))
    const before = must(await dora.get(room(id, '/messages'), { dir: 'b', limit: 2, filter })).body
    expect(before.state[0].content.membership).toBe('join')
  })
})
