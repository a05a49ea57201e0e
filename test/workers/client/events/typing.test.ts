/** Typing notifications. */
import { beforeAll, describe, expect, it } from 'vitest'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'])
let roomId: string

beforeAll(async () => {
  roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
})

const typing = (userId: string, room = roomId) =>
  `/rooms/${encodeURIComponent(room)}/typing/${encodeURIComponent(userId)}`

async function typists(since: string): Promise<{ users: string[]; since: string }> {
  const { body } = await bob.sync({ since, timeout: 10_000 })
  const events = body.rooms?.join?.[roomId]?.ephemeral?.events ?? []
  const event = events.find(({ type }: { type: string }) => type === 'm.typing')
  return { users: event?.content.user_ids, since: body.next_batch }
}

describe('typing', () => {
  it('reaches a waiting member when it starts and when it ends', async () => {
    const { next_batch } = (await bob.sync()).body
    const started = typists(next_batch)
    expect((await alice.put(typing(alice.userId), { typing: true, timeout: 30_000 })).body).toEqual({})
    expect((await started).users).toEqual([alice.userId])
    const ended = typists((await started).since)
    await alice.put(typing(alice.userId), { typing: false })
    expect((await ended).users).toEqual([])
  })

  it('ends by itself', async () => {
    const { next_batch } = (await bob.sync()).body
    await alice.put(typing(alice.userId), { typing: true, timeout: 2_500 })
    const started = await typists(next_batch)
    expect(started.users).toEqual([alice.userId])
    expect((await typists(started.since)).users).toEqual([])
  })

  it('ends after half a minute, however long its client asks for', async () => {
    await alice.put(typing(alice.userId), { typing: true, timeout: 3_600_000 })
    const name = objectName.room(server.serverName, roomId)
    const [row] = await server.sql('ROOM', name, "SELECT value FROM meta WHERE key = 'typing'")
    expect(JSON.parse(String(row?.value)).until[alice.userId]).toBeLessThanOrEqual(Date.now() + 30_000)
    await alice.put(typing(alice.userId), { typing: false })
  })

  it('ends by itself in a room that was evicted meanwhile', async () => {
    const { next_batch } = (await bob.sync()).body
    await alice.put(typing(alice.userId), { typing: true, timeout: 2_500 })
    const started = await typists(next_batch)
    expect(started.users).toEqual([alice.userId])
    await server.evict('ROOM', objectName.room(server.serverName, roomId))
    expect((await typists(started.since)).users).toEqual([])
  })

  it('begins in a room that was evicted before', async () => {
    const { next_batch } = (await bob.sync()).body
    await server.evict('ROOM', objectName.room(server.serverName, roomId))
    const started = typists(next_batch)
    await alice.put(typing(alice.userId), { typing: true, timeout: 30_000 })
    expect((await started).users).toEqual([alice.userId])
    await alice.put(typing(alice.userId), { typing: false })
  })

  it('goes on after a message, until the client or the time ends it', async () => {
    const { next_batch } = (await bob.sync()).body
    await alice.put(typing(alice.userId), { typing: true, timeout: 30_000 })
    const started = await typists(next_batch)
    expect(started.users).toEqual([alice.userId])
    await alice.say(roomId, 'typed')
    const { body } = await bob.sync({ since: started.since })
    const { timeline, ephemeral } = body.rooms.join[roomId]
    expect(timeline.events.at(-1).content.body).toBe('typed')
    expect(ephemeral.events).toEqual([])
    await alice.put(typing(alice.userId), { typing: false })
    expect((await typists(body.next_batch)).users).toEqual([])
  })

  it('is in a first sync, also of a user that has just joined', async () => {
    const carol = await http.register('carol')
    await alice.put(typing(alice.userId), { typing: true, timeout: 30_000 })
    const event = { type: 'm.typing', content: { user_ids: [alice.userId] } }
    const first = (await bob.sync()).body
    expect(first.rooms.join[roomId].ephemeral.events).toEqual([event])
    const { next_batch: since } = (await carol.sync()).body
    await carol.join(roomId)
    const { rooms } = (await carol.sync({ since })).body
    expect(rooms.join[roomId].ephemeral.events).toEqual([event])
    await alice.put(typing(alice.userId), { typing: false })
  })

  it('is set only by the user themselves', async () => {
    const { status, body } = await alice.put(typing(bob.userId), { typing: true })
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })

  it('is for members', async () => {
    const other = await bob.createRoom()
    expect((await alice.put(typing(alice.userId, other), { typing: true })).status).toBe(403)
  })

  it.each([
    [{}, 'M_MISSING_PARAM'],
    [{ typing: 'yes' }, 'M_BAD_JSON'],
    [{ typing: true, timeout: 'long' }, 'M_BAD_JSON'],
    [{ typing: true, timeout: -1 }, 'M_INVALID_PARAM'],
  ])('refuses %j', async (content, errcode) => {
    const { status, body } = await alice.put(typing(alice.userId), content)
    expect([status, body.errcode]).toEqual([400, errcode])
  })
})
