/** Reports of rooms, events and users. */
import { beforeAll, describe, expect, it } from 'vitest'
import { serving } from '../../../support/serving.ts'

const { server, alice, bob } = serving(['alice', 'bob'])
let roomId: string

beforeAll(async () => {
  roomId = await alice.createRoom({ preset: 'public_chat' })
})

const ofRoom = (id: string) => `/rooms/${encodeURIComponent(id)}/report`
const ofEvent = (id: string, eventId: string) => `${ofRoom(id)}/${encodeURIComponent(eventId)}`
const ofUser = (userId: string) => `/users/${encodeURIComponent(userId)}/report`
const kept = () =>
  server.pg('select room_id, event_id, user_id, reporter, reason from reports order by id desc limit 1')

describe('a report', () => {
  it('of a room needs no membership', async () => {
    expect((await bob.post(ofRoom(roomId), { reason: 'makes me\0sad' })).body).toEqual({})
    expect(await kept()).toEqual([
      { room_id: roomId, event_id: null, user_id: null, reporter: bob.userId, reason: 'makes me\u2400sad' },
    ])
  })

  it('of more than 16 KiB is refused', async () => {
    for (const path of [ofRoom(roomId), ofUser(alice.userId)]) {
      const { status, body } = await bob.post(path, { reason: 'ä'.repeat(8_193) })
      expect([status, body.errcode]).toEqual([413, 'M_TOO_LARGE'])
      expect((await bob.post(path, { reason: 'ä'.repeat(8_192) })).status).toBe(200)
    }
  })

  it('of an event needs current membership, and a visible event', async () => {
    const eventId = await alice.say(roomId, 'something rude')
    const outside = await bob.post(ofEvent(roomId, eventId), { reason: 'rude' })
    expect([outside.status, outside.body.errcode]).toEqual([404, 'M_NOT_FOUND'])
    await bob.join(roomId)
    expect((await bob.post(ofEvent(roomId, eventId), { reason: 'rude', score: -100 })).body).toEqual({})
    expect(await kept()).toEqual([
      { room_id: roomId, event_id: eventId, user_id: null, reporter: bob.userId, reason: 'rude' },
    ])
    expect((await bob.post(ofEvent(roomId, eventId))).status).toBe(200)
    await bob.post(`/rooms/${encodeURIComponent(roomId)}/leave`)
    expect((await bob.post(ofEvent(roomId, eventId), {})).status).toBe(404)
  })

  it('of a user needs no common room', async () => {
    expect((await alice.post(ofUser(bob.userId), { reason: '' })).body).toEqual({})
    expect(await kept()).toEqual([
      { room_id: null, event_id: null, user_id: bob.userId, reporter: alice.userId, reason: '' },
    ])
    expect((await alice.post(ofUser('@someone:elsewhere.example'), { reason: 'spam' })).status).toBe(200)
  })

  it.each([
    ['a room that is not there', () => ofRoom('!nowhere:test.example')],
    ['an event that is not there', () => ofEvent(roomId, '$nothing:test.example')],
    ['an event in no room', () => ofEvent('!nowhere:test.example', '$nothing:test.example')],
    ['a user who is not there', () => ofUser('@nobody:test.example')],
  ])('of %s is not found', async (_, path) => {
    const { status, body } = await alice.post(path(), { reason: 'odd' })
    expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND'])
  })

  it.each([
    ['a room', {}, 'M_MISSING_PARAM', () => ofRoom(roomId)],
    ['a user', {}, 'M_MISSING_PARAM', () => ofUser(bob.userId)],
    ['a user', { reason: 5 }, 'M_BAD_JSON', () => ofUser(bob.userId)],
  ])('of %s gives a reason: not %j', async (_, content, errcode, path) => {
    const { status, body } = await alice.post(path(), content)
    expect([status, body.errcode]).toEqual([400, errcode])
  })
})
