/** Every way into a room and out of it. */
import { describe, expect, it } from 'vitest'
import { type Client, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { alice, bob, carol } = serving(['alice', 'bob', 'carol'])
const room = (roomId: string) => `/rooms/${encodeURIComponent(roomId)}`

async function member(roomId: string, of: Client, viewer = alice) {
  return (await viewer.get(`${room(roomId)}/state/m.room.member/${encodeURIComponent(of.userId)}`)).body
}

describe('join', () => {
  it('by id and by alias', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat', room_alias_name: 'open' })
    expect((await bob.post(`${room(roomId)}/join`)).body).toEqual({ room_id: roomId })
    expect((await carol.join('#open:test.example')).body).toEqual({ room_id: roomId })
    expect((await carol.get('/joined_rooms')).body.joined_rooms).toContain(roomId)
  })

  it('again changes nothing', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(roomId)
    const before = await member(roomId, bob)
    expect((await bob.join(roomId)).status).toBe(200)
    expect(await member(roomId, bob)).toEqual(before)
  })

  it('keeps the reason and the client’s own keys, but no membership of its choice', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await bob.post(`${room(roomId)}/join`, { reason: 'curious', 'org.example.x': 1, membership: 'ban' })
    expect(await member(roomId, bob)).toMatchObject({
      membership: 'join',
      reason: 'curious',
      'org.example.x': 1,
    })
  })

  it('needs an invitation if the rule says so', async () => {
    const roomId = await alice.createRoom({ preset: 'private_chat' })
    const refused = await bob.join(roomId)
    expect([refused.status, refused.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    expect((await alice.invite(roomId, bob.userId)).status).toBe(200)
    expect((await bob.join(roomId)).status).toBe(200)
  })

  it.each([
    ['an unknown room', '!unknown:test.example', 404, 'M_NOT_FOUND'],
    ['an unknown alias', '#unknown:test.example', 404, 'M_NOT_FOUND'],
    ['neither id nor alias', 'lounge', 400, 'M_INVALID_PARAM'],
  ])('refuses %s', async (_, target, expected, errcode) => {
    const { status, body } = await bob.join(target)
    expect([status, body.errcode]).toEqual([expected, errcode])
  })
})

describe('invite', () => {
  it('again is no error', async () => {
    const roomId = await alice.createRoom()
    expect((await alice.invite(roomId, bob.userId)).body).toEqual({})
    expect((await alice.invite(roomId, bob.userId)).status).toBe(200)
    expect(await member(roomId, bob)).toMatchObject({ membership: 'invite' })
  })

  it('of a member is refused', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(roomId)
    expect((await alice.invite(roomId, bob.userId)).status).toBe(403)
  })

  it.each([
    ['a user elsewhere', { user_id: '@eve:elsewhere.example' }, 403, 'M_FORBIDDEN'],
    ['no user id', { user_id: 'bob' }, 400, 'M_INVALID_PARAM'],
    ['nobody', {}, 400, 'M_MISSING_PARAM'],
    ['a third party', { medium: 'email', address: 'a@b.c', id_server: 'x' }, 403, 'M_FORBIDDEN'],
  ])('refuses %s', async (_, body, expected, errcode) => {
    const roomId = await alice.createRoom()
    const answer = await alice.post(`${room(roomId)}/invite`, body)
    expect([answer.status, answer.body.errcode]).toEqual([expected, errcode])
  })

  it('is for members alone', async () => {
    const roomId = await alice.createRoom()
    expect((await bob.invite(roomId, carol.userId)).status).toBe(403)
  })
})

describe('leave', () => {
  it('leaves a room, and rejects an invitation', async () => {
    const roomId = await alice.createRoom({ invite: [bob.userId] })
    expect((await bob.post(`${room(roomId)}/leave`, { reason: 'busy' })).body).toEqual({})
    expect(await member(roomId, bob)).toMatchObject({ membership: 'leave', reason: 'busy' })
    expect((await bob.get('/joined_rooms')).body.joined_rooms).not.toContain(roomId)
  })

  it('a room that one was never in is refused', async () => {
    const roomId = await alice.createRoom()
    expect((await bob.post(`${room(roomId)}/leave`)).status).toBe(403)
  })
})

describe('kick, ban and unban', () => {
  it('kicks a member, which may come back', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(roomId)
    expect((await alice.post(`${room(roomId)}/kick`, { user_id: bob.userId, reason: 'out' })).body).toEqual(
      {},
    )
    expect(await member(roomId, bob)).toMatchObject({ membership: 'leave', reason: 'out' })
    expect((await bob.join(roomId)).status).toBe(200)
  })

  it('does not kick users that are not in the room', async () => {
    const roomId = await alice.createRoom()
    const { status, body } = await alice.post(`${room(roomId)}/kick`, { user_id: bob.userId })
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })

  it('bans a user until the ban ends', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(roomId)
    expect((await alice.post(`${room(roomId)}/ban`, { user_id: bob.userId })).status).toBe(200)
    expect((await bob.join(roomId)).status).toBe(403)
    expect((await alice.invite(roomId, bob.userId)).status).toBe(403)
    expect((await alice.post(`${room(roomId)}/unban`, { user_id: bob.userId })).status).toBe(200)
    expect((await bob.join(roomId)).status).toBe(200)
  })

  it('does not unban users that are joined, invited, gone or were never there', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    const unban = async () => {
      const { status, body } = await alice.post(`${room(roomId)}/unban`, { user_id: bob.userId })
      return [status, body.errcode]
    }
    const refused = [403, 'M_BAD_STATE']
    expect(await unban()).toEqual(refused)
    must(await alice.invite(roomId, bob.userId))
    expect(await unban()).toEqual(refused)
    must(await bob.join(roomId))
    expect(await unban()).toEqual(refused)
    must(await bob.post(`${room(roomId)}/leave`))
    expect(await unban()).toEqual(refused)
  })

  it.each(['kick', 'ban', 'unban'])('needs power to %s', async (action) => {
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(roomId)
    await carol.join(roomId)
    const { status, body } = await bob.post(`${room(roomId)}/${action}`, { user_id: carol.userId })
    expect(status).toBe(403)
    expect(body.errcode).toMatch(/^M_(FORBIDDEN|BAD_STATE)$/)
  })
})

describe('knock', () => {
  it('asks to be let in', async () => {
    const roomId = await alice.createRoom({
      initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }],
    })
    const answer = await bob.post(`/knock/${encodeURIComponent(roomId)}`, { reason: 'please' })
    expect(answer.body).toEqual({ room_id: roomId })
    expect(await member(roomId, bob)).toMatchObject({ membership: 'knock', reason: 'please' })
    expect((await alice.invite(roomId, bob.userId)).status).toBe(200)
    expect((await bob.join(roomId)).status).toBe(200)
  })

  it('is refused under another rule', async () => {
    const roomId = await alice.createRoom()
    expect((await bob.post(`/knock/${encodeURIComponent(roomId)}`)).status).toBe(403)
  })
})

describe('a member event by the state API', () => {
  it('is a membership change like any other', async () => {
    const roomId = await alice.createRoom()
    const path = `${room(roomId)}/state/m.room.member/${encodeURIComponent(bob.userId)}`
    expect((await alice.put(path, { membership: 'invite' })).status).toBe(200)
    expect((await bob.sync()).body.rooms.invite).toHaveProperty([roomId])
    expect((await bob.put(path, { membership: 'join' })).status).toBe(200)
    expect((await bob.get('/joined_rooms')).body.joined_rooms).toContain(roomId)
  })

  it.each([
    [{ membership: 'present' }, 'M_INVALID_PARAM'],
    [{ membership: 1 }, 'M_BAD_JSON'],
    [{}, 'M_MISSING_PARAM'],
  ])('refuses %j', async (content, errcode) => {
    const roomId = await alice.createRoom()
    const path = `${room(roomId)}/state/m.room.member/${encodeURIComponent(alice.userId)}`
    const { status, body } = await alice.put(path, content)
    expect([status, body.errcode]).toEqual([400, errcode])
  })
})
