/** Sending messages. */
import { beforeAll, describe, expect, it } from 'vitest'
import { serving } from '../../../support/serving.ts'

const { http, alice, bob } = serving(['alice', 'bob'])
let roomId: string

beforeAll(async () => {
  roomId = await alice.createRoom()
})

const send = (type: string, txnId: string, room = roomId) =>
  `/rooms/${encodeURIComponent(room)}/send/${encodeURIComponent(type)}/${encodeURIComponent(txnId)}`

async function sent(eventId: string) {
  return (await alice.get(`/rooms/${encodeURIComponent(roomId)}/event/${encodeURIComponent(eventId)}`)).body
}

describe('PUT /send', () => {
  it('answers the id of the event that it made', async () => {
    const { body } = await alice.put(send('m.room.message', 'one'), { msgtype: 'm.text', body: 'hello' })
    expect(await sent(body.event_id)).toMatchObject({
      event_id: body.event_id,
      room_id: roomId,
      type: 'm.room.message',
      sender: alice.userId,
      content: { msgtype: 'm.text', body: 'hello' },
      unsigned: { transaction_id: 'one' },
    })
  })

  it('answers the same event for the same transaction', async () => {
    const first = await alice.put(send('m.room.message', 'again'), { body: 'first' })
    const second = await alice.put(send('m.room.message', 'again'), { body: 'second' })
    expect(second.body).toEqual(first.body)
    expect((await sent(first.body.event_id)).content.body).toBe('first')
  })

  it('answers the same event for transactions at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => alice.put(send('m.room.message', 'at-once'), { body: 'x' })),
    )
    expect(new Set(answers.map(({ body }) => body.event_id)).size).toBe(1)
  })

  it('keeps the transactions of devices apart', async () => {
    const phone = await http.login('alice')
    const [one, two] = [
      await alice.put(send('m.room.message', 'shared'), { body: 'x' }),
      await phone.put(send('m.room.message', 'shared'), { body: 'x' }),
    ]
    expect(one.body.event_id).not.toBe(two.body.event_id)
  })

  it('keeps types and transaction ids with any characters', async () => {
    const { body } = await alice.put(send('org.example/a b%', 'tx/ä?#'), { x: 1 })
    expect(await sent(body.event_id)).toMatchObject({
      type: 'org.example/a b%',
      unsigned: { transaction_id: 'tx/ä?#' },
    })
  })

  it('refuses users that are not in the room', async () => {
    const { status, body } = await bob.put(send('m.room.message', 'no'), { body: 'x' })
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })

  it('does not know other rooms', async () => {
    const { status, body } = await alice.put(send('m.room.message', 'no', '!none:test.example'), {})
    expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND'])
  })

  it.each([
    ['more than 64 KiB', 'm.room.message', { body: 'x'.repeat(65_536) }, 413, 'M_TOO_LARGE'],
    ['a float', 'm.room.message', { x: 0.5 }, 400, 'M_BAD_JSON'],
    ['an integer beyond 2^53', 'm.room.message', { x: 2 ** 53 }, 400, 'M_BAD_JSON'],
    ['a list', 'm.room.message', [], 400, 'M_BAD_JSON'],
    ['a create event', 'm.room.create', {}, 400, 'M_INVALID_PARAM'],
    ['a member event without a state key', 'm.room.member', { membership: 'join' }, 403, 'M_FORBIDDEN'],
    ['too long a type', 'x'.repeat(256), {}, 400, 'M_INVALID_PARAM'],
  ])('refuses %s', async (name, type, content, expected, errcode) => {
    const { status, body } = await alice.put(send(type, name), content)
    expect([status, body.errcode]).toEqual([expected, errcode])
  })

  const bare = (txnId: string) =>
    http.request('PUT', send('m.room.message', txnId), undefined, { token: alice.token })

  it('refuses a request without a body', async () => {
    const { status, body } = await bare('empty')
    expect([status, body.errcode]).toEqual([400, 'M_NOT_JSON'])
  })

  it('answers the same event for a transaction that is repeated without its body', async () => {
    const { body } = await alice.put(send('m.room.message', 'whole'), { msgtype: 'm.text', body: 'whole' })
    expect(await bare('whole')).toMatchObject({ status: 200, body })
  })
})

describe('POST /send', () => {
  it('makes an event for each request', async () => {
    const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message`
    const [one, two] = [await alice.post(path, { body: 'x' }), await alice.post(path, { body: 'x' })]
    expect([one.status, two.status]).toEqual([200, 200])
    expect(one.body.event_id).not.toBe(two.body.event_id)
  })
})
