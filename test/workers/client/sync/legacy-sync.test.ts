/** The endpoints before /sync: initialSync and the event stream. */
import { describe, expect, it } from 'vitest'
import { type Body, must } from '../../../support/client.ts'
import { waitingRequest } from '../../../support/faults.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'], {
  staysAwake: 'what is known of others’ presence lives in memory',
})

const room = (id: string, rest: string) => `/rooms/${encodeURIComponent(id)}${rest}`
const worldReadable = {
  preset: 'public_chat',
  initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } }],
}

describe('/initialSync', () => {
  it('shows rooms by membership, with their state, newest messages and account data', async () => {
    const joined = await alice.createRoom({ name: 'Joined' })
    const said = await alice.say(joined, 'hello')
    const tags = `/user/${encodeURIComponent(alice.userId)}/rooms/${encodeURIComponent(joined)}/account_data/com.example.note`
    must(await alice.put(tags, { note: 1 }))
    const invited = await bob.createRoom({ invite: [alice.userId] })
    const left = await alice.createRoom({})
    must(await alice.post(room(left, '/leave')))
    const kickedFrom = await bob.createRoom({ preset: 'public_chat' })
    must(await alice.join(kickedFrom))
    must(await bob.post(room(kickedFrom, '/kick'), { user_id: alice.userId }))
    const { body } = must(await alice.get('/initialSync', { limit: 2 }))
    const info = (id: string) => body.rooms.find(({ room_id }: Body) => room_id === id)
    expect(info(joined)).toMatchObject({
      membership: 'join',
      account_data: [{ type: 'com.example.note', content: { note: 1 } }],
    })
    const { messages, state } = info(joined)
    expect(messages.chunk).toHaveLength(2)
    expect(messages.chunk.at(-1)).toMatchObject({ event_id: said, room_id: joined })
    expect(state.find(({ type }: Body) => type === 'm.room.name')).toMatchObject({ room_id: joined })
    const older = must(
      await alice.get(room(joined, '/messages'), { dir: 'b', from: messages.start, limit: 1 }),
    )
    expect(older.body.chunk[0].event_id).not.toBe(messages.chunk[0].event_id)
    expect(info(invited)).toMatchObject({ membership: 'invite', inviter: bob.userId })
    const archived = must(await alice.get('/initialSync', { archived: true })).body
    for (const past of [left, kickedFrom]) {
      expect(info(past)).toBeUndefined()
      expect(archived.rooms.find(({ room_id }: Body) => room_id === past).membership).toBe('leave')
    }
    expect(body.presence).toEqual(expect.any(Array))
  })
})

describe('both /initialSync', () => {
  it('show receipts, presence, visibility and account data', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat', visibility: 'public' })
    must(await bob.join(roomId))
    const said = await alice.say(roomId, 'read this')
    must(await bob.post(room(roomId, `/receipt/m.read/${encodeURIComponent(said)}`), {}))
    must(
      await alice.put(`/user/${alice.userId}/rooms/${encodeURIComponent(roomId)}/tags/u.work`, {
        order: 0.5,
      }),
    )
    must(await alice.put(`/user/${alice.userId}/account_data/org.example.all`, { all: true }))
    // Presence is told to those who are awake.
    must(await alice.sync())
    must(
      await bob.put(`/presence/${encodeURIComponent(bob.userId)}/status`, {
        presence: 'online',
        status_msg: 'busy',
      }),
    )
    const receipt = {
      type: 'm.receipt',
      room_id: roomId,
      content: { [said]: { 'm.read': { [bob.userId]: {} } } },
    }
    const isBob = ({ sender, type }: Body) => sender === bob.userId && type === 'm.presence'
    const tag = { type: 'm.tag', content: { tags: { 'u.work': { order: 0.5 } } } }

    const presenceIn = async (path: string) =>
      must(await alice.get(path)).body.presence.find(isBob)?.content.status_msg
    for (const path of ['/initialSync', room(roomId, '/initialSync')]) {
      await expect.poll(() => presenceIn(path), { timeout: 5_000 }).toBe('busy')
    }
    const { body } = must(await alice.get('/initialSync'))
    const info = body.rooms.find(({ room_id }: Body) => room_id === roomId)
    expect(info).toMatchObject({ visibility: 'public', membership: 'join' })
    expect(info.account_data).toContainEqual(tag)
    expect(body.receipts).toContainEqual(expect.objectContaining({ room_id: roomId }))
    expect(body.receipts.find(({ room_id }: Body) => room_id === roomId)).toMatchObject(receipt)
    expect(body.account_data).toContainEqual({ type: 'org.example.all', content: { all: true } })

    const one = must(await alice.get(room(roomId, '/initialSync'))).body
    expect(one).toMatchObject({ visibility: 'public', receipts: [receipt] })
    expect(one.account_data).toContainEqual(tag)
  })

  it('refuse a limit that is no number', async () => {
    const roomId = await alice.createRoom({})
    for (const path of ['/initialSync', room(roomId, '/initialSync')]) {
      for (const limit of ['many', '-1', '1.5', '']) {
        const { status, body } = await alice.get(path, { limit })
        expect([status, body.errcode], `${path} ${limit}`).toEqual([400, 'M_INVALID_PARAM'])
      }
    }
  })
})

describe('a forgotten room', () => {
  it('is in no /initialSync, and shows nothing by its own endpoints', async () => {
    const left = await alice.createRoom({})
    must(await alice.post(room(left, '/leave')))
    must(await alice.post(room(left, '/forget')))
    const { rooms } = must(await alice.get('/initialSync', { archived: true })).body
    expect(rooms.map(({ room_id }: Body) => room_id)).not.toContain(left)
    expect((await alice.get(room(left, '/initialSync'))).status).toBe(403)
  })
})

describe('/rooms/{roomId}/initialSync', () => {
  it('shows a room to its members, and to all if it is world-readable', async () => {
    const open = await alice.createRoom(worldReadable)
    const said = await alice.say(open, 'hello')
    const own = must(await alice.get(room(open, '/initialSync'), { limit: 1 })).body
    expect(own).toMatchObject({ room_id: open, membership: 'join', visibility: 'private' })
    expect(own.messages.chunk.map(({ event_id }: Body) => event_id)).toEqual([said])
    const peeked = must(await bob.get(room(open, '/initialSync'))).body
    expect(peeked.membership).toBeUndefined()
    expect(peeked.messages.chunk.at(-1).event_id).toBe(said)
    expect(peeked.state.some(({ type }: Body) => type === 'm.room.create')).toBe(true)
    const closed = await alice.createRoom({})
    expect((await bob.get(room(closed, '/initialSync'))).body.errcode).toBe('M_FORBIDDEN')
  })
})

describe('/events', () => {
  it('waits for what comes after a token', async () => {
    const roomId = await alice.createRoom({})
    const { end } = must(await alice.get('/initialSync')).body
    const ask = () => alice.get('/events', { from: end, timeout: 10_000 })
    const { answer: waiting } = await waitingRequest(http, alice, ask)
    const said = await alice.say(roomId, 'news')
    const { body } = must(await waiting)
    expect(body.start).toBe(end)
    expect(body.chunk).toMatchObject([{ event_id: said, room_id: roomId }])
    const none = must(await alice.get('/events', { from: body.end })).body
    expect(none.chunk).toEqual([])
    expect((await alice.get('/events', { from: 'nonsense' })).status).toBe(400)
  })

  it('tells of invites, typing and presence', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(roomId))
    const { end } = must(await alice.get('/initialSync')).body
    const invited = await bob.createRoom({ invite: [alice.userId] })
    must(await bob.put(room(roomId, `/typing/${encodeURIComponent(bob.userId)}`), { typing: true }))
    must(await bob.put(`/presence/${encodeURIComponent(bob.userId)}/status`, { presence: 'unavailable' }))
    const seen: Body[] = []
    const all = () => ({
      invite: seen.some(({ room_id, content }) => room_id === invited && content.membership === 'invite'),
      typing: seen.some(({ type, room_id }) => type === 'm.typing' && room_id === roomId),
      presence: seen.some(({ type, sender }) => type === 'm.presence' && sender === bob.userId),
    })
    let from = end
    await expect
      .poll(async () => {
        const { body } = must(await alice.get('/events', { from, timeout: 300 }))
        seen.push(...body.chunk)
        from = body.end
        return all()
      })
      .toEqual({ invite: true, typing: true, presence: true })
  })

  it('tells of account data and tags', async () => {
    const roomId = await alice.createRoom({})
    const { end } = must(await alice.get('/initialSync')).body
    must(
      await alice.put(`/user/${alice.userId}/rooms/${encodeURIComponent(roomId)}/tags/u.work`, {
        order: 0.1,
      }),
    )
    must(await alice.put(`/user/${alice.userId}/account_data/org.example.news`, { new: true }))
    const { chunk } = must(await alice.get('/events', { from: end })).body
    expect(chunk).toContainEqual({
      type: 'm.tag',
      room_id: roomId,
      content: { tags: { 'u.work': { order: 0.1 } } },
    })
    expect(chunk).toContainEqual({ type: 'org.example.news', content: { new: true } })
  })

  it('begins now without a token', async () => {
    await alice.say(await alice.createRoom({}), 'old')
    expect(must(await alice.get('/events', { timeout: 0 })).body.chunk).toEqual([])
  })

  it('streams a world-readable room to a user outside it', async () => {
    const open = await alice.createRoom(worldReadable)
    const { end } = must(await bob.get(room(open, '/initialSync'))).body.messages
    const waiting = bob.get('/events', { room_id: open, from: end, timeout: 10_000 })
    const said = await alice.say(open, 'news')
    const { body } = must(await waiting)
    expect(body.chunk).toMatchObject([{ event_id: said, room_id: open }])
    expect(must(await bob.get('/events', { room_id: open, from: body.end })).body.chunk).toEqual([])
    const closed = await alice.createRoom({})
    expect((await bob.get('/events', { room_id: closed })).status).toBe(403)
  })
})

describe('/events/{eventId}', () => {
  it('finds an event without its room, archived or not, for users that may see it', async () => {
    const roomId = await alice.createRoom({})
    const said = await alice.say(roomId, 'hello')
    const path = `/events/${encodeURIComponent(said)}`
    const known = () => server.pg('select 1 from events where event_id = $1', [said])
    for (const archived of [false, true]) {
      if (archived) await expect.poll(known, { timeout: 10_000 }).toHaveLength(1)
      expect(must(await alice.get(path)).body).toMatchObject({ event_id: said, room_id: roomId })
      expect((await bob.get(path)).status).toBe(404)
    }
    expect((await alice.get(`/events/$${'x'.repeat(43)}`)).status).toBe(404)
  })
})
