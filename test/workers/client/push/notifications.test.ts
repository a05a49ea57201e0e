/** The list of what a user was notified of, read or not. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { makeDevice } from '../../../support/keys.ts'
import { serving } from '../../../support/serving.ts'

const { http } = serving()
let alice: Client
let bob: Client
let room: string
let users = 0
beforeEach(async () => {
  users += 1
  alice = await http.register(`alice${users}`)
  bob = await http.register(`bob${users}`)
  room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
})

const at = (rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`
const list = async (query: Record<string, string> = {}): Promise<Body> =>
  must(await alice.get('/notifications', query)).body
const bodies = ({ notifications }: Body): string[] => notifications.map((one: Body) => one.event.content.body)

describe('notifications', () => {
  it('are the events that the rules notify of, newest first, with their actions and whether they are read', async () => {
    await bob.say(room, 'one')
    const read = await bob.say(room, 'two')
    must(await bob.put(at('send/m.room.message/n1'), { msgtype: 'm.notice', body: 'silent' }))
    must(await alice.post(at(`receipt/m.read/${encodeURIComponent(read)}`), {}))
    const mention = { msgtype: 'm.text', body: 'three', 'm.mentions': { user_ids: [alice.userId] } }
    must(await bob.put(at('send/m.room.message/n2'), mention))
    const { notifications, next_token: next } = await list()
    expect(next).toBeUndefined()
    expect(bodies({ notifications })).toEqual(['three', 'two', 'one'])
    expect(notifications.map((one: Body) => one.read)).toEqual([false, true, true])
    expect(notifications[0]).toMatchObject({
      room_id: room,
      profile_tag: '',
      ts: expect.any(Number),
      actions: ['notify', { set_tweak: 'sound', value: 'default' }, { set_tweak: 'highlight' }],
      event: { type: 'm.room.message', sender: bob.userId, content: mention },
    })
    expect(notifications[0].event.room_id).toBeUndefined()
    expect(bodies(await list({ only: 'highlight' }))).toEqual(['three'])
  })

  it('come in pages, from all rooms in one order', async () => {
    const other = await bob.createRoom({ preset: 'public_chat' })
    must(await alice.join(other))
    for (let n = 0; n < 7; n += 1) await bob.say(n % 2 === 0 ? room : other, `${n}`)
    const seen: string[] = []
    let from: string | undefined
    do {
      const page: Body = await list({ limit: '3', ...(from !== undefined && { from }) })
      expect(page.notifications.length).toBeLessThanOrEqual(3)
      seen.push(...bodies(page))
      from = page.next_token
    } while (from !== undefined)
    expect(seen).toEqual(['6', '5', '4', '3', '2', '1', '0'])
  })

  it('leave out redacted events, the user’s own, those of ignored users, and those of rooms that were left', async () => {
    const gone = await bob.say(room, 'redacted')
    must(await bob.put(at(`redact/${encodeURIComponent(gone)}/r1`), {}))
    await alice.say(room, 'own')
    const carol = await http.register(`carol${users}`)
    must(await carol.join(room))
    await carol.say(room, 'ignored')
    const settings = `/user/${encodeURIComponent(alice.userId)}/account_data/m.ignored_user_list`
    must(await alice.put(settings, { ignored_users: { [carol.userId]: {} } }))
    await bob.say(room, 'seen')
    expect(bodies(await list())).toEqual(['seen'])
    must(await alice.post(at('leave')))
    expect(bodies(await list())).toEqual([])
  })

  it('in a thread are read by its own receipt', async () => {
    const root = await bob.say(room, 'root')
    const reply = { 'm.relates_to': { rel_type: 'm.thread', event_id: root } }
    const content = { msgtype: 'm.text', body: 'reply', ...reply }
    const { event_id: inThread } = must(await bob.put(at('send/m.room.message/t1'), content)).body
    const path = at(`receipt/m.read/${encodeURIComponent(inThread)}`)
    must(await alice.post(path, { thread_id: root }))
    const { notifications } = await list()
    expect(notifications.map((one: Body) => [one.event.content.body, one.read])).toEqual([
      ['reply', true],
      ['root', false],
    ])
  })

  it('stay the same after a new name and new keys, of which device lists tell only the keys', async () => {
    await bob.say(room, 'unread')
    const since = must(await alice.sync()).body.next_batch
    const displayname = `Robert ${users}`
    must(await bob.put(`/profile/${encodeURIComponent(bob.userId)}/displayname`, { displayname }))
    const member = () => alice.get(at(`state/m.room.member/${encodeURIComponent(bob.userId)}`))
    await expect.poll(async () => (await member()).body.displayname, { timeout: 15_000 }).toBe(displayname)
    const named = must(await alice.sync({ since })).body
    expect(named.device_lists?.changed ?? []).toEqual([])
    expect(named.rooms.join[room].unread_notifications.notification_count).toBe(1)
    expect(bodies(await list())).toEqual(['unread'])
    must(await bob.post('/keys/upload', { device_keys: makeDevice(bob).keys }))
    const changed = async () =>
      must(await alice.sync({ since: named.next_batch, timeout: 200 })).body.device_lists?.changed ?? []
    await expect.poll(changed, { timeout: 15_000 }).toEqual([bob.userId])
    expect(bodies(await list())).toEqual(['unread'])
    expect((await list()).notifications[0].read).toBe(false)
  })

  it('follow the rules as they are now', async () => {
    await bob.say(room, 'loud')
    const rule = `/pushrules/global/room/${encodeURIComponent(room)}`
    must(await alice.put(rule, { actions: [] }))
    expect(bodies(await list())).toEqual([])
  })

  it('need a session, and a token of their own', async () => {
    expect((await http.request('GET', '/notifications')).status).toBe(401)
    for (const from of ['nonsense', 'bm9uc2Vuc2U']) {
      const { status, body } = await alice.get('/notifications', { from })
      expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
    }
  })
})
