/** Rooms over time: forgotten and tagged. */
import { describe, expect, it } from 'vitest'
import { type Client, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { server, alice, bob } = serving(['alice', 'bob'])
const at = (room: string, rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`

const tagsAt = (user: Client, room: string) =>
  `/user/${encodeURIComponent(user.userId)}/rooms/${encodeURIComponent(room)}/tags`

const dataAt = (user: Client, type: string) => `/user/${encodeURIComponent(user.userId)}/account_data/${type}`

describe('the tags of a room', () => {
  it('have 64 KiB in all, and a refused one loses none of the others', async () => {
    const room = await alice.createRoom()
    const put = (tag: string, length: number) =>
      alice.put(`${tagsAt(alice, room)}/${tag}`, { order: 0.5, note: 'x'.repeat(length) })
    must(await put('u.first', 40_000))
    const refused = await put('u.second', 40_000)
    expect([refused.status, refused.body.errcode]).toEqual([413, 'M_TOO_LARGE'])
    expect(Object.keys(must(await alice.get(tagsAt(alice, room))).body.tags)).toEqual(['u.first'])
    must(await alice.delete(`${tagsAt(alice, room)}/u.first`))
    must(await put('u.second', 40_000))
  })
})

describe('forgetting a room', () => {
  const withLeft = { filter: JSON.stringify({ room: { include_leave: true } }) }

  async function leftRoom(): Promise<string> {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    await alice.say(room, 'while you were here')
    must(await bob.post(at(room, 'leave')))
    return room
  }

  it('is refused to members, and to users that were never there', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    for (const client of [alice, bob]) {
      expect(await client.post(at(room, 'forget'))).toMatchObject({
        status: 400,
        body: { errcode: 'M_UNKNOWN' },
      })
    }
    expect((await alice.post(at('!none:test.example', 'forget'))).status).toBe(404)
  })

  it('removes it from sync, and its history too', async () => {
    const room = await leftRoom()
    expect(must(await bob.sync(withLeft)).body.rooms.leave[room]).toBeDefined()
    must(await bob.post(at(room, 'forget')))
    must(await bob.post(at(room, 'forget')))
    expect(must(await bob.sync(withLeft)).body.rooms?.leave?.[room]).toBeUndefined()
    for (const path of ['messages?dir=b', 'state', 'members', 'state/m.room.create']) {
      expect((await bob.get(at(room, path))).status).toBe(403)
    }
  })

  it('tells other devices once that it was left, and nothing of it', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    const since = must(await bob.sync()).body.next_batch
    must(await bob.post(at(room, 'leave')))
    const between = must(await bob.sync()).body.next_batch
    must(await bob.post(at(room, 'forget')))
    const { rooms, next_batch } = must(await bob.sync({ since })).body
    expect(rooms.leave[room]).toEqual({
      timeline: { events: [], limited: false, prev_batch: expect.any(String) },
    })
    for (const token of [between, next_batch])
      expect(must(await bob.sync({ since: token })).body.rooms?.leave?.[room]).toBeUndefined()
  })

  it('ends with a new invite or join', async () => {
    const room = await leftRoom()
    must(await bob.post(at(room, 'forget')))
    must(await bob.join(room))
    const { timeline } = must(await bob.sync()).body.rooms.join[room]
    expect(JSON.stringify(timeline)).toContain('while you were here')
    must(await bob.post(at(room, 'leave')))
    expect((await bob.get(at(room, 'messages'), { dir: 'b' })).status).toBe(200)
    must(await bob.post(at(room, 'forget')))
    must(await alice.invite(room, bob.userId))
    expect(must(await bob.sync()).body.rooms.invite[room]).toBeDefined()
  })

  it('outlives the objects in memory, and is in the archive', async () => {
    const room = await leftRoom()
    must(await bob.post(at(room, 'forget')))
    const query = 'select forgotten from room_memberships where room_id = $1 and user_id = $2'
    const archived = () => server.pg(query, [room, bob.userId])
    await expect.poll(archived, { timeout: 5_000 }).toEqual([{ forgotten: true }])
    await server.restart()
    expect(must(await bob.sync(withLeft)).body.rooms?.leave?.[room]).toBeUndefined()
    expect((await bob.get(at(room, 'messages'), { dir: 'b' })).status).toBe(403)
  })

  it('is announced as not happening by itself', async () => {
    const { capabilities } = must(await alice.get('/capabilities')).body
    expect(capabilities['m.forget_forced_upon_leave']).toEqual({ enabled: false })
  })
})

describe('tags', () => {
  it('are room account data, and come by sync', async () => {
    const room = await alice.createRoom()
    const since = must(await alice.sync()).body.next_batch
    expect(must(await alice.get(tagsAt(alice, room))).body).toEqual({ tags: {} })
    must(await alice.put(`${tagsAt(alice, room)}/m.favourite`, { order: 0.25 }))
    must(await alice.put(`${tagsAt(alice, room)}/u.work`))
    const tags = { 'm.favourite': { order: 0.25 }, 'u.work': {} }
    expect(must(await alice.get(tagsAt(alice, room))).body).toEqual({ tags })
    const { account_data } = must(await alice.sync({ since })).body.rooms.join[room]
    expect(account_data.events).toEqual([{ type: 'm.tag', content: { tags } }])
    must(await alice.delete(`${tagsAt(alice, room)}/u.work`))
    must(await alice.delete(`${tagsAt(alice, room)}/never.there`))
    expect(must(await alice.get(tagsAt(alice, room))).body).toEqual({
      tags: { 'm.favourite': { order: 0.25 } },
    })
  })

  it('are refused if too long, wrongly ordered, or another user’s', async () => {
    const room = await alice.createRoom()
    const put = (client: Client, tag: string, body: unknown) =>
      client.put(`${tagsAt(alice, room)}/${tag}`, body)
    expect((await put(alice, 'x'.repeat(256), {})).status).toBe(400)
    expect((await put(alice, 'u.x', { order: 2 })).status).toBe(400)
    expect((await put(alice, 'u.x', { order: 'first' })).body.errcode).toBe('M_BAD_JSON')
    expect((await put(bob, 'u.x', {})).status).toBe(403)
    must(await put(alice, '__proto__', { order: 0.5 }))
    expect(Object.keys(must(await alice.get(tagsAt(alice, room))).body.tags)).toEqual(['__proto__'])
  })
})

describe('account data', () => {
  it('set to nothing is removed', async () => {
    const path = dataAt(alice, 'org.example.gone')
    must(await alice.put(path, { x: 1 }))
    must(await alice.put(path, {}))
    expect((await alice.get(path)).status).toBe(404)
  })
})
