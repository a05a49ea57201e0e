/** What stands around an event, the event nearest to a moment, and who was what when. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { http, alice, bob } = serving(['alice', 'bob'])
let roomId: string
let said: string[]

beforeAll(async () => {
  roomId = await alice.createRoom({ preset: 'public_chat' })
  said = []
  for (let n = 0; n < 12; n += 1) said.push(await alice.say(roomId, `message ${n}`))
  must(await bob.join(roomId))
})

const room = (rest: string, id = roomId) => `/rooms/${encodeURIComponent(id)}${rest}`
const context = (eventId: string, id = roomId) => room(`/context/${encodeURIComponent(eventId)}`, id)
const ids = (chunk: { event_id: string }[]) => chunk.map((event) => event.event_id)

describe('/context', () => {
  it('shows as many events before and after together as the limit says', async () => {
    const { body } = must(await alice.get(context(said[6]!), { limit: 5 }))
    expect(body.event).toMatchObject({ event_id: said[6], room_id: roomId })
    expect(ids(body.events_before)).toEqual([said[5], said[4]])
    expect(ids(body.events_after)).toEqual([said[7], said[8], said[9]])
    const only = must(await alice.get(context(said[6]!), { limit: 0 })).body
    expect([only.events_before, only.events_after]).toEqual([[], []])
    expect(only.event.event_id).toBe(said[6])
  })

  it('gives places from which /messages goes on', async () => {
    const { body } = must(await alice.get(context(said[6]!), { limit: 4 }))
    const before = await alice.get(room('/messages'), { dir: 'b', from: body.start, limit: 2 })
    expect(ids(before.body.chunk)).toEqual([said[3], said[2]])
    const after = await alice.get(room('/messages'), { dir: 'f', from: body.end, limit: 2 })
    expect(ids(after.body.chunk)).toEqual([said[9], said[10]])
  })

  it('has the state as it was at the last event it shows', async () => {
    const own = await alice.createRoom({})
    const put = (name: string) => alice.put(room('/state/m.room.name/', own), { name })
    must(await put('old'))
    const first = await alice.say(own, 'first')
    must(await put('new'))
    const nameIn = (state: Body[]) => state.find(({ type }) => type === 'm.room.name').content.name
    expect(nameIn(must(await alice.get(context(first, own), { limit: 0 })).body.state)).toBe('old')
    expect(nameIn(must(await alice.get(context(first, own), { limit: 2 })).body.state)).toBe('new')
  })

  it('filters the events around, and loads members lazily', async () => {
    const join = must(await bob.get(room(`/state/m.room.member/${bob.userId}`), { format: 'event' })).body
      .event_id
    const types = JSON.stringify({ types: ['m.room.member'], lazy_load_members: true })
    const { body } = must(await alice.get(context(said[11]!), { limit: 100, filter: types }))
    expect(body.event.event_id).toBe(said[11])
    expect(ids(body.events_after)).toEqual([join])
    const members = (filter: object) =>
      alice
        .get(context(said[6]!), { limit: 2, filter: JSON.stringify(filter) })
        .then(({ body: { state } }) =>
          state.filter(({ type }: Body) => type === 'm.room.member').map(({ state_key }: Body) => state_key),
        )
    const own = await members({ lazy_load_members: true })
    expect(own).toEqual([alice.userId])
    expect(await members({ lazy_load_members: true, include_redundant_members: true })).toEqual(own)
  })

  it('is forbidden if the viewer may not see the event, and not found if there is none', async () => {
    const hidden = await alice.createRoom({
      preset: 'public_chat',
      initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }],
    })
    const before = await alice.say(hidden, 'before')
    must(await bob.join(hidden))
    const after = await alice.say(hidden, 'after')
    must(await bob.post(room('/leave', hidden)))
    const gone = await alice.say(hidden, 'gone')
    must(await alice.put(room('/state/m.room.name/', hidden), { name: 'after all' }))
    for (const eventId of [before, gone]) {
      const { status, body } = await bob.get(context(eventId, hidden))
      expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    }
    const unknown = await bob.get(context('$nothing', hidden))
    expect([unknown.status, unknown.body.errcode]).toEqual([404, 'M_NOT_FOUND'])
    const { body } = must(await bob.get(context(after, hidden), { limit: 50 }))
    expect(ids([...body.events_before, ...body.events_after])).not.toContain(before)
    expect(ids(body.events_after)).not.toContain(gone)
    expect(JSON.stringify(body.state)).not.toContain('after all')
  })
})

describe('unsigned.membership', () => {
  it('is the reader’s membership when the event came', async () => {
    const own = await alice.createRoom({ preset: 'public_chat' })
    const before = await alice.say(own, 'before')
    must(await alice.invite(own, bob.userId))
    const invited = await alice.say(own, 'invited')
    must(await bob.join(own))
    const joined = await alice.say(own, 'joined')
    const history = must(await bob.get(room('/messages', own), { dir: 'b', limit: 50 })).body.chunk
    const of = (events: Body[], id: string) =>
      events.find(({ event_id }) => event_id === id).unsigned.membership
    expect([before, invited, joined].map((id) => of(history, id))).toEqual(['leave', 'invite', 'join'])
    const mine = history.filter(({ state_key }: Body) => state_key === bob.userId)
    expect(mine.map(({ unsigned }: Body) => unsigned.membership)).toEqual(['join', 'invite'])
    const { body } = must(await bob.get(context(invited, own), { limit: 2 }))
    expect(body.event.unsigned.membership).toBe('invite')
    const sync = must(await bob.sync()).body
    expect(of(sync.rooms.join[own].timeline.events, before)).toBe('leave')
    const later = await alice.say(own, 'later')
    const next = must(await bob.sync({ since: sync.next_batch, timeout: 5_000 })).body
    expect(of(next.rooms.join[own].timeline.events, later)).toBe('join')
    must(await bob.post(room('/leave', own)))
    const last = must(await bob.sync({ since: next.next_batch })).body
    expect(last.rooms.leave[own].timeline.events.at(-1).unsigned.membership).toBe('leave')
  })
})

describe('/timestamp_to_event', () => {
  const nearest = (client: Client, ts: number, dir: string, id: string, base = '/_matrix/client/v1') =>
    client.get(`${base}${room('/timestamp_to_event', id)}`, { ts, dir })

  it('finds the nearest event in the asked direction, also far back', async () => {
    const own = await alice.createRoom({})
    // More than a block of the index by time holds.
    for (let n = 0; n < 9; n += 1) {
      await Promise.all(Array.from({ length: 30 }, (_, i) => alice.say(own, `${n} ${i}`)))
    }
    const all: Body[] = []
    for (let from: string | undefined; ; ) {
      const { body } = must(await alice.get(room('/messages', own), { dir: 'f', limit: 1000, from }))
      all.push(...body.chunk)
      from = body.end
      if (from === undefined) break
    }
    const some = all.filter((_, n) => n % 60 === 0)
    for (const { origin_server_ts: ts } of some) {
      for (const moment of [ts, ts + 1]) {
        const forward = all.find((event) => event.origin_server_ts >= moment)
        const backward = all.findLast((event) => event.origin_server_ts <= moment)
        expect((await nearest(alice, moment, 'f', own)).body.event_id).toBe(forward?.event_id)
        expect((await nearest(alice, moment, 'b', own)).body).toEqual({
          event_id: backward?.event_id,
          origin_server_ts: backward?.origin_server_ts,
        })
      }
    }
    expect((await nearest(alice, 1, 'f', own)).body.event_id).toBe(all[0]!.event_id)
    expect((await nearest(alice, Date.now() + 60_000, 'b', own)).body.event_id).toBe(all.at(-1)!.event_id)
    const unstable = '/_matrix/client/unstable/org.matrix.msc3030'
    expect((await nearest(alice, 1, 'f', own, unstable)).body.event_id).toBe(all[0]!.event_id)
  })

  it('finds nothing beyond the ends, and only what the reader may see', async () => {
    expect(await nearest(alice, Date.now() + 60_000, 'f', roomId)).toMatchObject({
      status: 404,
      body: { errcode: 'M_NOT_FOUND' },
    })
    expect((await nearest(alice, 1, 'b', roomId)).status).toBe(404)
    const eve = await http.register('eve')
    expect((await nearest(eve, 1, 'f', roomId)).body.errcode).toBe('M_FORBIDDEN')
    const hidden = await alice.createRoom({
      preset: 'public_chat',
      initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }],
    })
    const made = Date.now()
    // The first message is younger than all that made the room.
    await expect.poll(() => Date.now(), { interval: 1 }).toBeGreaterThan(made)
    const before = await alice.say(hidden, 'before')
    const { origin_server_ts: ts } = must(
      await alice.get(room(`/event/${encodeURIComponent(before)}`, hidden)),
    ).body
    must(await bob.join(hidden))
    const join = must(
      await bob.get(room(`/state/m.room.member/${bob.userId}`, hidden), { format: 'event' }),
    ).body
    expect((await nearest(alice, ts, 'f', hidden)).body.event_id).toBe(before)
    expect((await nearest(bob, ts, 'f', hidden)).body.event_id).toBe(join.event_id)
    expect((await nearest(alice, 1, 'sideways', roomId)).status).toBe(400)
  })
})
