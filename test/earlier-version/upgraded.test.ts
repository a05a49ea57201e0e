/** A server of today on the data that an earlier version left behind: all of it is there, and is used on. */
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, api, type Body, type Client, must } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { type EarlierData, putBack } from './put-back.ts'
import { lasting, questions } from './questions.ts'
import type { Scene } from './scene.ts'

let server: TestServer | undefined
const lines: string[] = []
let client: Api
let earlier: EarlierData
let scene: Scene
let alice: Client
let bob: Client

beforeAll(async () => {
  earlier = await putBack()
  scene = earlier.scene
  server = await startServer({
    'data-dir': earlier.folder,
    sql: undefined,
    'server-name': scene.serverName,
    'log-level': 'warn',
    writeLog: (line) => lines.push(line),
  })
  client = api(server)
  alice = client.as(scene.alice)
  bob = client.as(scene.bob)
}, 120_000)
afterAll(async () => {
  await server?.stop()
  rmSync(earlier.folder, { recursive: true, force: true, maxRetries: 5 })
})

const inRoom = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}/${rest}`
const bodies = (events: Body[]) => events.map(({ content }: Body) => content.body)

describe('a server on the data of an earlier version', () => {
  it('was asked the same questions then as now', () => {
    const recorded = earlier.answers
    expect(recorded.map(({ answer: _, ...question }) => question)).toEqual(questions(scene))
  })

  it('does not take them for parts of different times', () => {
    expect(lines.filter((line) => line.includes('restore'))).toEqual([])
  })

  it('answers every question as the earlier version did', async () => {
    for (const { by, method, path, body, answer } of earlier.answers) {
      const { token } = scene[by]
      const today = must(await client.request(method, path, body, { token })).body
      // It may say more.
      expect({ path, answer: lasting(today) }).toMatchObject({ path, answer: lasting(answer) })
    }
  })
})

describe('accounts of an earlier version', () => {
  it('keep their sessions', async () => {
    const { body } = must(await alice.get('/account/whoami'))
    expect(body).toMatchObject({ user_id: scene.alice.userId, device_id: scene.alice.deviceId })
  })

  it('keep their passwords', async () => {
    expect((await client.login('alice', { password: scene.password })).userId).toBe(scene.alice.userId)
  })

  it('keep their refresh tokens', async () => {
    const body = { refresh_token: scene.refreshToken }
    const { access_token: token } = must(await client.request('POST', '/refresh', body)).body
    const { body: self } = must(await client.request('GET', '/account/whoami', undefined, { token }))
    expect(self.user_id).toBe(scene.bob.userId)
  })

  it('keep their profiles, and others find them by these', async () => {
    const { body } = must(await bob.get(`/profile/${scene.alice.userId}`))
    expect(body.displayname).toBe('Alice of before')
    const found = must(await bob.post('/user_directory/search', { search_term: 'alice of' }))
    expect(found.body.results).toMatchObject([{ user_id: scene.alice.userId }])
  })

  it('keep their account data, tags, filters and push rules', async () => {
    const { roomId, hello } = scene.lobby
    const own = `/user/${scene.alice.userId}`
    const ofRoom = `${own}/rooms/${encodeURIComponent(roomId)}`
    const answers = [
      must(await alice.get(`${own}/account_data/org.example.colour`)).body,
      must(await alice.get(`${ofRoom}/account_data/org.example.pin`)).body,
      must(await alice.get(`${ofRoom}/tags`)).body,
      must(await alice.get(`${own}/filter/${scene.filterId}`)).body,
      must(await alice.get('/pushrules/global/content/org.example.cake')).body,
    ]
    expect(answers).toMatchObject([
      { colour: 'teal' },
      { pinned: hello },
      { tags: { 'm.favourite': { order: 0.5 } } },
      { room: { timeline: { limit: 3 } } },
      { pattern: 'cake', actions: ['notify', { set_tweak: 'highlight' }] },
    ])
  })

  it('keep their pushers', async () => {
    const { body } = must(await bob.get('/pushers'))
    expect(body.pushers).toMatchObject([{ app_id: 'org.example.app', pushkey: 'a-key' }])
  })

  it('keep their media', async () => {
    const name = scene.media.uri.replace('mxc://', '')
    const { body } = must(await bob.get(`/_matrix/client/v1/media/download/${name}`))
    expect(body).toBe(scene.media.text)
  })
})

describe('keys of an earlier version', () => {
  it('are still published, and can be claimed', async () => {
    const { userId, deviceId } = scene.bob
    const { body } = must(await alice.post('/keys/query', { device_keys: { [userId]: [] } }))
    const published = body.device_keys[userId][deviceId]
    expect(published.keys[`ed25519:${deviceId}`]).toBe(scene.ed25519)
    const wanted = { [userId]: { [deviceId]: 'signed_curve25519' } }
    const claimed = must(await alice.post('/keys/claim', { one_time_keys: wanted })).body
    expect(Object.keys(claimed.one_time_keys[userId][deviceId])[0]).toMatch(/^signed_curve25519:K/)
    const { body: synced } = must(await bob.sync({ filter: '{"room":{"rooms":[]}}' }))
    expect(synced.device_one_time_keys_count.signed_curve25519).toBe(scene.oneTimeKeys - 1)
  })

  it('stand in their backup, which takes further ones', async () => {
    const { roomId } = scene.lobby
    const path = (session: string) =>
      `/room_keys/keys/${encodeURIComponent(roomId)}/${session}?version=${scene.backupVersion}`
    const kept = must(await bob.get(path('session1'))).body
    expect(kept.session_data).toEqual({ ciphertext: 'kept' })
    const { body } = must(await bob.put(path('session2'), { ...kept, session_data: { ciphertext: 'new' } }))
    expect(body.count).toBe(2)
  })
})

describe('a sync from a token of an earlier version', () => {
  it('brings what had not been seen: a message, and one to the device', async () => {
    const { body } = must(await bob.sync({ since: scene.since.bob }))
    expect(body.to_device.events).toMatchObject([
      { type: 'org.example.secret', sender: scene.alice.userId, content: { secret: 'waiting' } },
    ])
    const { timeline, unread_notifications: unread } = body.rooms.join[scene.lobby.roomId]
    expect(timeline).toMatchObject({ limited: false, events: [{ event_id: scene.lobby.late }] })
    expect(unread.notification_count).toBeGreaterThan(0)
  })

  it('brings nothing that had been seen', async () => {
    const { body } = must(await alice.sync({ since: scene.since.alice }))
    const joined = body.rooms?.join ?? {}
    const events = Object.values(joined).flatMap((room: Body) => room.timeline.events)
    expect(events).toMatchObject([{ event_id: scene.lobby.late }])
    expect(body.rooms?.invite).toBeUndefined()
  })

  it('goes on with what is sent now', async () => {
    const { next_batch: since } = must(await bob.sync({ since: scene.since.bob })).body
    const sent = await alice.say(scene.lobby.roomId, 'after the upgrade', 'u0')
    const { body } = must(await bob.sync({ since, timeout: 10_000 }))
    expect(body.rooms.join[scene.lobby.roomId].timeline.events).toMatchObject([{ event_id: sent }])
  })
})

describe('rooms of an earlier version', () => {
  it('are all in a first sync, each where it was', async () => {
    const { rooms } = must(await alice.sync()).body
    expect(Object.keys(rooms.join).sort()).toEqual(
      [scene.lobby.roomId, scene.space, scene.left, scene.banned, scene.delayed.roomId].sort(),
    )
    expect(Object.keys(rooms.invite)).toEqual([scene.invited])
    const left = must(await bob.sync({ filter: '{"room":{"include_leave":true}}' })).body.rooms.leave
    expect(Object.keys(left).sort()).toEqual([scene.left, scene.banned].sort())
  })

  it('have their history, with threads, edits and reactions', async () => {
    const { roomId, hello, root, reply, edited, reaction } = scene.lobby
    const page = must(await bob.get(inRoom(roomId, 'messages'), { dir: 'b', limit: 50 })).body.chunk
    expect(bodies(page)).toContain('hello from before')
    const find = (eventId: string) => page.find(({ event_id }: Body) => event_id === eventId)
    expect(find(root).unsigned['m.relations']['m.thread']).toMatchObject({
      count: 1,
      latest_event: { event_id: reply },
    })
    expect(find(edited).unsigned['m.relations']['m.replace'].content['m.new_content'].body).toBe('a typo')
    const related = must(await bob.get(`/_matrix/client/v1${inRoom(roomId, `relations/${hello}`)}`)).body
    expect(related.chunk).toMatchObject([{ event_id: reaction }])
  })

  it('know a send again by the transaction id that it had', async () => {
    const path = inRoom(scene.lobby.roomId, `send/m.room.message/${scene.lobby.helloTxn}`)
    const { body } = must(await alice.put(path, { msgtype: 'm.text', body: 'hello from before' }))
    expect(body.event_id).toBe(scene.lobby.hello)
  })

  it('keep events redacted, and know by which redaction', async () => {
    const { roomId, redacted, redaction } = scene.lobby
    const { body } = must(await bob.get(inRoom(roomId, `event/${redacted}`)))
    expect(body.content).toEqual({})
    expect(body.unsigned.redacted_because.event_id).toBe(redaction)
  })

  it('keep receipts and read markers', async () => {
    const { roomId, hello } = scene.lobby
    const lobby = must(await bob.sync()).body.rooms.join[roomId]
    const receipts = lobby.ephemeral.events.find(({ type }: Body) => type === 'm.receipt')
    expect(receipts.content[hello]['m.read'][scene.bob.userId].thread_id).toBe('main')
    const marker = lobby.account_data.events.find(({ type }: Body) => type === 'm.fully_read')
    expect(marker.content.event_id).toBe(hello)
  })

  it('are found by alias, in the directory, by search and below their space', async () => {
    const { roomId, alias, hello } = scene.lobby
    const { body: named } = must(await bob.get(`/directory/room/${encodeURIComponent(alias)}`))
    expect(named.room_id).toBe(roomId)
    const { body: listed } = must(await bob.get('/publicRooms'))
    expect(listed.chunk).toMatchObject([{ room_id: roomId, name: 'Lobby', topic: 'Before the upgrade' }])
    const search = { search_categories: { room_events: { search_term: 'hello' } } }
    const { results } = must(await bob.post('/search', search)).body.search_categories.room_events
    expect(results).toMatchObject([{ result: { event_id: hello } }])
    const below = must(await alice.get(`/_matrix/client/v1${inRoom(scene.space, 'hierarchy')}`)).body.rooms
    expect(below.map(({ room_id }: Body) => room_id)).toEqual([scene.space, roomId])
  })

  it('take a redaction, a receipt, a reaction and a reply in a thread', async () => {
    const { roomId, root, reply, late } = scene.lobby
    must(await alice.put(inRoom(roomId, `redact/${late}/u1`)))
    must(await bob.post(inRoom(roomId, `receipt/m.read/${reply}`), { thread_id: root }))
    const relates = (rel_type: string, event_id: string, more = {}) => ({
      'm.relates_to': { rel_type, event_id, ...more },
    })
    must(
      await alice.put(
        inRoom(roomId, 'send/m.reaction/u2'),
        relates('m.annotation', scene.lobby.hello, { key: '👍' }),
      ),
    )
    must(
      await alice.put(inRoom(roomId, 'send/m.room.message/u3'), {
        msgtype: 'm.text',
        body: 'another reply',
        ...relates('m.thread', root),
      }),
    )
    const { body } = must(await bob.get(inRoom(roomId, `event/${root}`)))
    expect(body.unsigned['m.relations']['m.thread'].count).toBe(2)
  })

  it('let invited users in, and banned users only once they are unbanned', async () => {
    must(await alice.join(scene.invited))
    expect((await bob.join(scene.banned)).body.errcode).toBe('M_FORBIDDEN')
    must(await alice.post(inRoom(scene.banned, 'unban'), { user_id: scene.bob.userId }))
    must(await bob.join(scene.banned))
  })

  it('let a member that had left come back', async () => {
    must(await bob.join(scene.left))
    const page = must(await bob.get(inRoom(scene.left, 'messages'), { dir: 'b', limit: 50 })).body.chunk
    expect(bodies(page)).toContain('before he goes')
  })

  it('still have a delayed event waiting, and send it when asked', async () => {
    const { roomId, delayId } = scene.delayed
    const path = '/_matrix/client/unstable/org.matrix.msc4140/delayed_events'
    const { scheduled } = must(await alice.get(path)).body
    expect(scheduled).toMatchObject([{ delay_id: delayId, room_id: roomId }])
    must(await alice.post(`${path}/${delayId}/send`))
    const page = must(await alice.get(inRoom(roomId, 'messages'), { dir: 'b', limit: 1 })).body.chunk
    expect(bodies(page)).toEqual(['much later'])
  })

  it('can be left, forgotten and upgraded', async () => {
    must(await bob.post(inRoom(scene.banned, 'leave')))
    must(await bob.post(inRoom(scene.banned, 'forget')))
    const { body } = must(await alice.post(inRoom(scene.left, 'upgrade'), { new_version: '12' }))
    expect(body.replacement_room).toMatch(/^!/)
  })
})

it('a newer server logs no error about the data of an earlier version', () => {
  expect(lines.filter((line) => line.includes('error'))).toEqual([])
})
