/** How rooms go from a sync: state up to the leave, and knocks that come to nothing. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must, silence } from '../../../support/client.ts'
import { planFault } from '../../../support/faults.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'], { presence: 'off' })

const at = (id: string, rest: string) => `/rooms/${encodeURIComponent(id)}/${rest}`
const note = async (client: Client, room: string, n: number) =>
  must(
    await client.put(
      `/user/${encodeURIComponent(client.userId)}/rooms/${encodeURIComponent(room)}/account_data/org.example.note`,
      { n },
    ),
  )
const noted = (n: number) => ({ type: 'org.example.note', content: { n } })
const token = async (client: Client): Promise<string> => must(await client.sync()).body.next_batch

describe('a room that is left', () => {
  it.each([
    ['kick', 'leave'],
    ['ban', 'ban'],
  ])(
    'has the state after the timeline where that is asked for, and nothing later: %s',
    async (how, membership) => {
      const room = await alice.createRoom({ preset: 'public_chat' })
      must(await bob.join(room))
      const since = await token(bob)
      must(await alice.put(at(room, 'state/m.room.topic'), { topic: 'before' }))
      must(await alice.post(at(room, how), { user_id: bob.userId, reason: 'enough' }))
      must(await alice.put(at(room, 'state/m.room.topic'), { topic: 'later' }))
      for (const name of ['use_state_after', 'org.matrix.msc4222.use_state_after']) {
        const section = must(await bob.sync({ since, [name]: true })).body.rooms.leave[room]
        expect(section.state).toBeUndefined()
        const after = section.state_after.events.map(({ type, content }: Body) => [
          type,
          content.topic ?? content.membership,
        ])
        expect(after.toSorted()).toEqual([
          ['m.room.member', membership],
          ['m.room.topic', 'before'],
        ])
        expect(section['org.matrix.msc4222.state_after']).toEqual(section.state_after)
        expect(section.timeline.events.at(-1)).toMatchObject({ content: { membership, reason: 'enough' } })
        expect(JSON.stringify(section)).not.toContain('later')
      }
    },
  )

  it.each([
    ['kick', 'leave'],
    ['ban', 'ban'],
  ])('is in a first sync after a %s, until it is forgotten', async (how, membership) => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    must(await alice.post(at(room, how), { user_id: bob.userId, reason: 'enough' }))
    const section = must(await bob.sync()).body.rooms.leave[room]
    expect(section.timeline.events.at(-1)).toMatchObject({ content: { membership, reason: 'enough' } })
    const hidden = { filter: JSON.stringify({ room: { not_rooms: [room] } }) }
    expect(must(await bob.sync(hidden)).body.rooms?.leave?.[room]).toBeUndefined()
    must(await bob.post(at(room, 'forget')))
    expect(must(await bob.sync()).body.rooms?.leave?.[room]).toBeUndefined()
  })

  it('is in no first sync if the user was never in it', async () => {
    const room = await alice.createRoom({ invite: [bob.userId] })
    must(await alice.post(at(room, 'ban'), { user_id: bob.userId }))
    expect(must(await bob.sync()).body.rooms?.leave?.[room]).toBeUndefined()
  })

  it('comes with its new account data', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    const since = await token(bob)
    await note(bob, room, 1)
    must(await bob.post(at(room, 'leave')))
    const section = must(await bob.sync({ since })).body.rooms.leave[room]
    expect(section.account_data.events).toEqual([noted(1)])
  })

  it('ends a poll that waits', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    const waiting = bob.sync({ since: await token(bob), timeout: 20_000 })
    must(await alice.post(at(room, 'kick'), { user_id: bob.userId }))
    expect(must(await waiting).body.rooms.leave[room].timeline.events.at(-1).content.membership).toBe('leave')
  })
})

describe('an invite', () => {
  it.each(['invited', 'gone'])(
    'that is taken brings what the user has set for the room before: %s',
    async (how) => {
      const room = await alice.createRoom({ invite: [bob.userId] })
      if (how === 'gone') {
        must(await bob.join(room))
        must(await bob.post(at(room, 'leave')))
        must(await alice.invite(room, bob.userId))
      }
      const before = await token(bob)
      await note(bob, room, 2)
      const since = must(await bob.sync({ since: before })).body.next_batch
      must(await bob.join(room))
      const { rooms } = must(await bob.sync({ since })).body
      expect(rooms.join[room].account_data.events).toEqual([noted(2)])
    },
  )

  it('that ends in a ban is shown as a room left, and nothing else of it', async () => {
    const room = await alice.createRoom({
      invite: [bob.userId],
      initial_state: [{ type: 'org.example.secret', content: { secret: true } }],
    })
    const since = await token(bob)
    must(await alice.post(at(room, 'ban'), { user_id: bob.userId }))
    const { rooms } = must(await bob.sync({ since })).body
    expect(rooms.invite).toBeUndefined()
    expect(rooms.leave[room].timeline.events.at(-1)).toMatchObject({ content: { membership: 'ban' } })
    expect(JSON.stringify(rooms)).not.toContain('secret')
    expect(must(await bob.sync()).body.rooms?.invite?.[room]).toBeUndefined()
  })
})

describe('a knock', () => {
  const ends: [string, string, (room: string) => Promise<unknown>][] = [
    ['is refused', 'leave', (room) => alice.post(at(room, 'kick'), { user_id: bob.userId })],
    ['is taken back', 'leave', (room) => bob.post(at(room, 'leave'))],
    ['is answered by a ban', 'ban', (room) => alice.post(at(room, 'ban'), { user_id: bob.userId })],
  ]

  it.each(ends)('that %s is shown as a room left, and nothing else of it', async (_, membership, end) => {
    const room = await alice.createRoom({
      initial_state: [
        { type: 'm.room.join_rules', content: { join_rule: 'knock' } },
        { type: 'org.example.secret', content: { secret: true } },
      ],
    })
    must(await bob.post(`/knock/${encodeURIComponent(room)}`))
    const since = await token(bob)
    await end(room)
    const { rooms, next_batch } = must(await bob.sync({ since })).body
    expect(rooms.knock).toBeUndefined()
    expect(rooms.leave[room].timeline.events.at(-1)).toMatchObject({
      state_key: bob.userId,
      content: { membership },
    })
    expect(JSON.stringify(rooms)).not.toContain('secret')
    expect(must(await bob.sync({ since: next_batch })).body).toEqual(silence(next_batch))
  })

  it('that is granted is shown as an invite, and then as a newly joined room', async () => {
    const room = await alice.createRoom({
      initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }],
    })
    must(await bob.post(`/knock/${encodeURIComponent(room)}`))
    const since = await token(bob)
    must(await alice.invite(room, bob.userId))
    const invited = must(await bob.sync({ since })).body
    expect([invited.rooms.knock, Object.keys(invited.rooms.invite)]).toEqual([undefined, [room]])
    must(await bob.join(room))
    const { rooms } = must(await bob.sync({ since: invited.next_batch })).body
    expect([rooms.invite, rooms.leave]).toEqual([undefined, undefined])
    const { state, timeline } = rooms.join[room]
    const types = [...state.events, ...timeline.events].map(({ type }: Body) => type)
    expect(types).toContain('m.room.create')
  })
})

describe('one’s own membership', () => {
  it('is told once, even if its Room hears no answer and tells it again', async () => {
    const room = await alice.createRoom()
    const since = await token(bob)
    await planFault(http, 'lose:user.membershipChanged')
    must(await alice.invite(room, bob.userId))
    const { rooms, next_batch } = must(await bob.sync({ since, timeout: 10_000 })).body
    expect(Object.keys(rooms.invite)).toEqual([room])
    const name = objectName.room(server.serverName, room)
    const untold = () => server.sql('ROOM', name, 'SELECT 1 FROM member_feed')
    await expect.poll(untold, { timeout: 15_000 }).toEqual([])
    expect(must(await bob.sync({ since: next_batch })).body.rooms).toBeUndefined()
  })

  const timelines = { whole: undefined, none: { limit: 0 }, filtered: { types: ['org.example.other'] } }
  const invited = () => alice.createRoom({ invite: [bob.userId] })
  const joined = async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    return room
  }
  const knocked = async () => {
    const room = await alice.createRoom({
      initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }],
    })
    must(await bob.post(`/knock/${encodeURIComponent(room)}`, {}))
    return room
  }
  const banned = async () => {
    const room = await joined()
    must(await alice.post(at(room, 'ban'), { user_id: bob.userId }))
    return room
  }
  const gone = async () => {
    const room = await joined()
    must(await bob.post(at(room, 'leave')))
    must(await bob.join(room))
    return room
  }
  const leave = (room: string) => bob.post(at(room, 'leave'))
  const by = (how: string) => (room: string) => alice.post(at(room, how), { user_id: bob.userId })
  const ends: [string, () => Promise<string>, (room: string) => Promise<unknown>, string][] = [
    ['a declined invite', invited, leave, 'leave'],
    ['an invite taken back', invited, by('kick'), 'leave'],
    ['a banned invite', invited, by('ban'), 'ban'],
    ['a knock taken back', knocked, leave, 'leave'],
    ['a knock refused', knocked, by('kick'), 'leave'],
    ['a banned knock', knocked, by('ban'), 'ban'],
    ['a room left', joined, leave, 'leave'],
    ['a kick', joined, by('kick'), 'leave'],
    ['a ban', joined, by('ban'), 'ban'],
    ['an unban', banned, by('unban'), 'leave'],
    ['a second leave', gone, leave, 'leave'],
  ]

  it.each(ends)(
    'is in the state, in both forms, whatever hides the timeline: %s',
    async (_, begin, end, membership) => {
      const room = await begin()
      const since = await token(bob)
      must((await end(room)) as never)
      for (const [name, timeline] of Object.entries(timelines)) {
        const filter = JSON.stringify({
          room: { timeline, state: { lazy_load_members: true }, include_leave: true },
        })
        const own = ({ state_key, type }: Body) => type === 'm.room.member' && state_key === bob.userId
        for (const from of [since, undefined]) {
          const after = must(await bob.sync({ since: from, filter, use_state_after: true })).body.rooms.leave[
            room
          ]
          expect(after.state_after.events.filter(own).map(({ content }: Body) => content.membership)).toEqual(
            [membership],
          )
          const before = must(await bob.sync({ since: from, filter })).body.rooms.leave[room]
          const told = [...before.state.events, ...before.timeline.events].filter(own)
          expect(told.at(-1).content.membership).toBe(membership)
          if (name !== 'whole')
            expect(before.state.events.filter(own).at(-1).content.membership).toBe(membership)
          expect(before.timeline.prev_batch).toEqual(expect.any(String))
        }
      }
    },
  )
})
