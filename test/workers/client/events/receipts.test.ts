/** Read receipts and read markers. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'], {
  presence: 'off',
  staysAwake: 'counts calls and rows',
})
let room: string
beforeEach(async () => {
  room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
})

const path = (rest: string, roomId = room) => `/rooms/${encodeURIComponent(roomId)}/${rest}`
const read = (client: Client, type: string, eventId: string, body?: Body) =>
  http.request('POST', path(`receipt/${type}/${encodeURIComponent(eventId)}`), body, { token: client.token })

async function token(client: Client): Promise<string> {
  return must(await client.sync()).body.next_batch
}

/** What a sync tells of receipts. */
function receiptsIn(body: Body): Body {
  const events = body.rooms?.join?.[room]?.ephemeral?.events ?? []
  return events.find(({ type }: Body) => type === 'm.receipt')?.content
}

async function threadOf(root: string, text: string): Promise<string> {
  const content = { msgtype: 'm.text', body: text, 'm.relates_to': { rel_type: 'm.thread', event_id: root } }
  return must(await alice.put(path(`send/m.room.message/${text}`), content)).body.event_id
}

describe('a receipt', () => {
  it('reaches a waiting member, with its time', async () => {
    const event = await alice.say(room, 'one')
    const since = await token(alice)
    const waiting = alice.sync({ since, timeout: 10_000 })
    expect(must(await read(bob, 'm.read', event)).body).toEqual({})
    expect(receiptsIn((await waiting).body)).toEqual({
      [event]: { 'm.read': { [bob.userId]: { ts: expect.any(Number) } } },
    })
  })

  it('is in the first sync, and in a sync after an eviction', async () => {
    const event = await alice.say(room, 'one')
    const since = await token(alice)
    must(await read(bob, 'm.read', event))
    expect(receiptsIn((await alice.sync()).body)[event]).toBeDefined()
    await server.evict('USER', objectName.user('test.example', alice.userId))
    expect(receiptsIn((await alice.sync({ since })).body)[event]).toBeDefined()
  })

  it('never moves backwards', async () => {
    const [first, second] = [await alice.say(room, 'one'), await alice.say(room, 'two')]
    must(await read(bob, 'm.read', second))
    const since = await token(alice)
    must(await read(bob, 'm.read', first))
    expect(receiptsIn((await alice.sync({ since })).body)).toBeUndefined()
    expect(Object.keys(receiptsIn((await alice.sync()).body))).toEqual([second])
  })

  it('that is private is shown only to its user, and wakes no other', async () => {
    const event = await alice.say(room, 'one')
    const [ofAlice, ofBob] = [await token(alice), await token(bob)]
    const waiting = bob.sync({ since: ofBob, timeout: 10_000 })
    must(await read(bob, 'm.read.private', event))
    expect(receiptsIn((await waiting).body)[event]['m.read.private']).toHaveProperty([bob.userId])
    const quiet = (await alice.sync({ since: ofAlice, timeout: 300 })).body
    expect(quiet.rooms).toBeUndefined()
    expect(JSON.stringify((await alice.sync()).body)).not.toContain('m.read.private')
  })

  it('of a thread stands beside the receipt of the main timeline', async () => {
    const root = await alice.say(room, 'root')
    const reply = await threadOf(root, 'reply')
    must(await read(bob, 'm.read', root, { thread_id: 'main' }))
    must(await read(bob, 'm.read', reply, { thread_id: root }))
    const receipts = receiptsIn((await alice.sync()).body)
    expect(receipts[root]['m.read'][bob.userId].thread_id).toBe('main')
    expect(receipts[reply]['m.read'][bob.userId].thread_id).toBe(root)
  })

  it('of the whole room is shown instead of that of a thread at the same event', async () => {
    const event = await alice.say(room, 'one')
    must(await read(bob, 'm.read', event, { thread_id: 'main' }))
    must(await read(bob, 'm.read', event))
    const shown = receiptsIn((await alice.sync()).body)[event]['m.read'][bob.userId]
    expect(shown).toEqual({ ts: expect.any(Number) })
  })

  it('of a thread may stand at its root, and at what relates to an event in it', async () => {
    const root = await alice.say(room, 'root')
    const reply = await threadOf(root, 'reply')
    must(await read(bob, 'm.read', root, { thread_id: root }))
    const content = { 'm.relates_to': { rel_type: 'm.annotation', event_id: reply, key: '👍' } }
    const reaction = must(await alice.put(path('send/m.reaction/react'), content)).body.event_id
    must(await read(bob, 'm.read', reaction, { thread_id: root }))
    const shown = receiptsIn((await alice.sync()).body)
    expect(shown[reaction]['m.read'][bob.userId].thread_id).toBe(root)
  })

  it('of a thread may stand at what relates to its root, and not at what relates to a message without a thread', async () => {
    const [root, other] = [await alice.say(room, 'root'), await alice.say(room, 'other')]
    const relate = async (event_id: string, rel_type: string) =>
      must(
        await alice.put(path(`send/org.example/${rel_type}${event_id.slice(1)}`), {
          'm.relates_to': { rel_type, event_id },
        }),
      ).body.event_id
    const below = await relate(await relate(root, 'm.reference'), 'm.annotation')
    const beside = await relate(other, 'm.annotation')
    const refused = { status: 400, body: { errcode: 'M_INVALID_PARAM' } }
    expect(await read(bob, 'm.read', below, { thread_id: root })).toMatchObject(refused)
    await threadOf(root, 'reply')
    must(await read(bob, 'm.read', below, { thread_id: root }))
    expect(await read(bob, 'm.read', beside, { thread_id: other })).toMatchObject(refused)
    expect(await read(bob, 'm.read', beside, { thread_id: root })).toMatchObject(refused)
  })

  it.each([
    ['the main timeline, of an event in a thread', 'reply', { thread_id: 'main' }],
    ['a thread, of an event outside', 'other', { thread_id: '$elsewhere' }],
    ['a thread without a name', 'other', { thread_id: '' }],
    ['a thread that is no string', 'other', { thread_id: 7 }],
    ['a thread that is nothing', 'other', { thread_id: null }],
    ['a thread with a name too long', 'other', { thread_id: `$${'x'.repeat(255)}` }],
  ])('is refused for %s', async (_, which, body) => {
    const root = await alice.say(room, 'root')
    const event = which === 'reply' ? await threadOf(root, 'inside') : await alice.say(room, 'outside')
    const answer = await read(bob, 'm.read', event, body)
    expect([answer.status, answer.body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
  })

  it.each(['m.unknown', 'm.seen'])('of type %s is refused', async (type) => {
    const answer = await read(bob, type, await alice.say(room, 'one'))
    expect([answer.status, answer.body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
  })

  it('is refused for an event of another room, and outside the room', async () => {
    const elsewhere = await alice.createRoom()
    const foreign = await read(bob, 'm.read', await alice.say(elsewhere, 'hidden'))
    expect([foreign.status, foreign.body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
    room = elsewhere
    const outside = await read(bob, 'm.read', `$${'a'.repeat(43)}`)
    expect([outside.status, outside.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })

  it.each([
    ['m.read', {}],
    ['m.read', { thread_id: 'main' }],
    ['m.read.private', {}],
  ])('of type %s that is sent again changes nothing, and is news to nobody: %j', async (type, body) => {
    const event = await alice.say(room, 'one')
    must(await read(bob, type, event, body))
    const first = must(await bob.sync()).body
    const since = await token(alice)
    const name = objectName.room('test.example', room)
    const stored = () => server.sql('ROOM', name, 'SELECT * FROM receipts')
    const before = await stored()
    must(await read(bob, type, event, body))
    expect(await stored()).toEqual(before)
    expect(receiptsIn(must(await alice.sync({ since })).body)).toBeUndefined()
    expect(receiptsIn(must(await bob.sync()).body)).toEqual(receiptsIn(first))
  })

  it('of a user that leaves is no longer shown, by increments or from the Room, and is shown again when they are back', async () => {
    const event = await alice.say(room, 'one')
    const [since] = [await token(alice)]
    must(await read(bob, 'm.read', event))
    must(await bob.post(path('leave')))
    expect(receiptsIn(must(await alice.sync({ since })).body)).toBeUndefined()
    await server.evict('USER', objectName.user('test.example', alice.userId))
    expect(receiptsIn(must(await alice.sync({ since })).body)).toBeUndefined()
    expect(receiptsIn(must(await alice.sync()).body)).toBeUndefined()
    const answer = await read(bob, 'm.read', event)
    expect([answer.status, answer.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    must(await bob.join(room))
    expect(receiptsIn(must(await alice.sync()).body)[event]['m.read']).toHaveProperty([bob.userId])
  })

  it('in two threads moves each by itself, and neither backwards', async () => {
    const root = await alice.say(room, 'root')
    const [first, second] = [await threadOf(root, 'first'), await threadOf(root, 'second')]
    const last = await alice.say(room, 'last')
    must(await read(bob, 'm.read', second, { thread_id: root }))
    must(await read(bob, 'm.read', root, { thread_id: 'main' }))
    must(await read(bob, 'm.read', first, { thread_id: root }))
    must(await read(bob, 'm.read', last, { thread_id: 'main' }))
    const shown = receiptsIn(must(await alice.sync()).body)
    expect(shown[second]['m.read'][bob.userId].thread_id).toBe(root)
    expect(shown[last]['m.read'][bob.userId].thread_id).toBe('main')
    expect(Object.keys(shown)).toHaveLength(2)
  })

  it('reaches the archive', async () => {
    const event = await alice.say(room, 'one')
    must(await read(bob, 'm.read', event, { thread_id: 'main' }))
    const query = 'select user_id, receipt_type, thread_id, event_id from receipts where room_id = $1'
    await expect
      .poll(() => server.pg(query, [room]), { timeout: 15_000 })
      .toEqual([{ user_id: bob.userId, receipt_type: 'm.read', thread_id: 'main', event_id: event }])
  })
})

describe('the fully-read marker', () => {
  const marker = async (client: Client) =>
    (await client.get(`/user/${encodeURIComponent(client.userId)}${path('account_data/m.fully_read')}`)).body

  it('is account data of the room, and wakes sync', async () => {
    const event = await alice.say(room, 'one')
    const since = await token(bob)
    const waiting = bob.sync({ since, timeout: 10_000 })
    must(await bob.post(path('read_markers'), { 'm.fully_read': event }))
    const [shown] = (await waiting).body.rooms.join[room].account_data.events
    expect(shown).toEqual({ type: 'm.fully_read', content: { event_id: event } })
    expect(await marker(bob)).toEqual({ event_id: event })
  })

  it('moves by a receipt too, and never backwards', async () => {
    const [first, second] = [await alice.say(room, 'one'), await alice.say(room, 'two')]
    must(await read(bob, 'm.fully_read', second))
    must(await read(bob, 'm.fully_read', first))
    expect(await marker(bob)).toEqual({ event_id: second })
  })

  it('moves together with receipts', async () => {
    const event = await alice.say(room, 'one')
    const markers = { 'm.fully_read': event, 'm.read': event, 'm.read.private': event }
    must(await bob.post(path('read_markers'), markers))
    expect(Object.keys(receiptsIn((await bob.sync()).body)[event]).toSorted()).toEqual([
      'm.read',
      'm.read.private',
    ])
  })

  it('has no threads, and cannot be set as account data', async () => {
    const event = await alice.say(room, 'one')
    const threaded = await read(bob, 'm.fully_read', event, { thread_id: 'main' })
    expect([threaded.status, threaded.body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
    const direct = await bob.put(
      `/user/${encodeURIComponent(bob.userId)}${path('account_data/m.fully_read')}`,
      {
        event_id: event,
      },
    )
    expect(direct.status).toBe(405)
  })
})
