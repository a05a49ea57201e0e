/** Notifications: what reaches a push gateway, and what does not. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { pusherOf } from '../../../support/push-gateway.ts'
import { objectName } from '../../../support/server.ts'
import { soon, teaRoom } from './tea-room.ts'

const {
  gateway,
  server,
  someone,
  alice,
  bob,
  here,
  inRoom,
  watched,
  set,
  got,
  ofEvents,
  bodies,
  events,
  ignore,
} = teaRoom()

const sendAs = async (client: Client, type: string, content: Body): Promise<string> =>
  must(await client.put(`/rooms/${encodeURIComponent(here.room)}/send/${type}/t${Math.random()}`, content))
    .body.event_id

describe('a message', () => {
  it('is told in full', async () => {
    await set({ brand: 'x' })
    const content = { msgtype: 'm.text', body: 'Hello', 'm.mentions': { user_ids: [alice.userId] } }
    const eventId = await sendAs(bob, 'm.room.message', content)
    await expect.poll(events, soon).toEqual([eventId])
    expect(got()[0]).toEqual({
      event_id: eventId,
      id: eventId,
      room_id: here.room,
      type: 'm.room.message',
      sender: bob.userId,
      sender_display_name: 'Bob',
      room_name: 'Tea',
      prio: 'high',
      counts: { unread: 1 },
      content,
      devices: [
        {
          app_id: 'org.example.app',
          pushkey: here.pushkey,
          pushkey_ts: expect.any(Number),
          data: { brand: 'x' },
          tweaks: { highlight: true, sound: 'default' },
        },
      ],
    })
  })

  it('is told only by its id if the pusher wants that', async () => {
    await set({ format: 'event_id_only' })
    const eventId = await bob.say(here.room, 'secret')
    await expect.poll(events, soon).toEqual([eventId])
    expect(Object.keys(got()[0]).sort()).toEqual(['counts', 'devices', 'event_id', 'prio', 'room_id'])
  })

  it('that is encrypted is told as urgent', async () => {
    await set()
    const eventId = await sendAs(bob, 'm.room.encrypted', { algorithm: 'x', ciphertext: 'y' })
    await expect.poll(events, soon).toEqual([eventId])
    expect(got()[0]).toMatchObject({ type: 'm.room.encrypted', prio: 'high' })
  })

  it('is not told to its sender, nor in a muted room, nor if an ignored user sent it', async () => {
    const carol = await someone()
    must(await carol.join(here.room))
    await set()
    const settings = `/user/${encodeURIComponent(alice.userId)}/account_data/m.ignored_user_list`
    must(await alice.put(settings, { ignored_users: { [carol.userId]: {} } }))
    await alice.say(here.room, 'own')
    await carol.say(here.room, 'ignored')
    await bob.say(here.room, 'heard')
    await expect.poll(bodies, soon).toEqual(['heard'])
    const rule = `/pushrules/global/override/${encodeURIComponent(here.room)}`
    const conditions = [{ kind: 'event_match', key: 'room_id', pattern: here.room }]
    must(await alice.put(rule, { actions: [], conditions }))
    await bob.say(here.room, 'muted')
    await caughtUp()
    must(await alice.delete(rule))
    await bob.say(here.room, 'heard again')
    await expect.poll(bodies, soon).toEqual(['heard', 'heard again'])
  })

  it('said while a user is away is not told once they are back', async () => {
    await set()
    must(await alice.post(`/rooms/${encodeURIComponent(here.room)}/leave`))
    await bob.say(here.room, 'while she was away')
    await expect.poll(() => inRoom('SELECT user_id FROM push_members'), soon).toEqual([])
    must(await alice.join(here.room))
    await watched()
    await bob.say(here.room, 'heard')
    await expect.poll(bodies, soon).toEqual(['heard'])
  })

  /** Waits until the room has told everybody everything. */
  const caughtUp = () =>
    expect
      .poll(() => inRoom('SELECT 1 FROM push_members WHERE pos < (SELECT max(pos) FROM events)'), soon)
      .toEqual([])
})

describe('an invite', () => {
  it('is told', async () => {
    await set()
    const other = await bob.createRoom({ name: 'Cake' })
    must(await bob.invite(other, alice.userId))
    await expect.poll(() => got().map(({ room_id }) => room_id), soon).toEqual([other])
    expect(got()[0]).toMatchObject({ type: 'm.room.member', user_is_target: true, room_name: 'Cake' })
  })

  it('by an ignored user is not told', async () => {
    await set()
    await ignore(bob.userId)
    const carol = await someone()
    for (const inviter of [bob, carol]) await inviter.createRoom({ invite: [alice.userId] })
    await expect
      .poll(() => gateway.received.filter(({ sender }) => sender === carol.userId), soon)
      .toHaveLength(1)
    expect(gateway.received.filter(({ sender }) => sender === bob.userId)).toEqual([])
  })

  it('by a user whose invites are ignored is not told', async () => {
    await set()
    const filter = `/user/${encodeURIComponent(alice.userId)}/account_data/org.matrix.msc4155.invite_permission_config`
    must(await alice.put(filter, { ignored_users: [bob.userId] }))
    const carol = await someone()
    for (const inviter of [bob, carol]) await inviter.createRoom({ invite: [alice.userId] })
    await expect.poll(() => ofEvents().map(({ sender }) => sender), soon).toContain(carol.userId)
    expect(ofEvents().map(({ sender }) => sender)).toEqual([carol.userId])
  })
})

describe('the number on the device', () => {
  const receipt = (client: Client, eventId: string, body: Body = {}) =>
    client.post(`/rooms/${encodeURIComponent(here.room)}/receipt/m.read/${encodeURIComponent(eventId)}`, body)
  const numbers = () => got().map(({ counts }) => counts.unread)

  it('counts unread messages in all rooms, and is told when it falls', async () => {
    const other = await bob.createRoom({ preset: 'public_chat', invite: [alice.userId] })
    must(await alice.join(other))
    await set()
    const name = objectName.room(server.serverName, other)
    const known = () => server.sql('ROOM', name, 'SELECT user_id FROM push_members')
    await expect.poll(known, soon).toHaveLength(1)
    const first = await bob.say(here.room, 'one')
    await expect.poll(numbers, soon).toEqual([1])
    const second = await bob.say(other, 'two')
    await expect.poll(numbers, soon).toEqual([1, 2])
    must(await receipt(alice, first))
    await expect.poll(numbers, soon).toEqual([1, 2, 1])
    // Told once, and not again and again.
    await expect.poll(() => inRoom('SELECT 1 FROM push_members WHERE has_read = 1'), soon).toEqual([])
    const path = `/rooms/${encodeURIComponent(other)}/receipt/m.read/${encodeURIComponent(second)}`
    must(await alice.post(path, {}))
    await expect.poll(numbers, soon).toEqual([1, 2, 1, 0])
    expect(got().at(-1)).toEqual({
      prio: 'low',
      counts: { unread: 0 },
      devices: [
        {
          app_id: 'org.example.app',
          pushkey: here.pushkey,
          pushkey_ts: expect.any(Number),
          data: {},
          tweaks: {},
        },
      ],
    })
  })

  it('falls when the user themselves sends a message', async () => {
    await set()
    await bob.say(here.room, 'one')
    await expect.poll(numbers, soon).toEqual([1])
    await alice.say(here.room, 'answer')
    await expect.poll(numbers, soon).toEqual([1, 0])
  })
})

describe('a pusher', () => {
  it('that is switched off is listed, but told nothing', async () => {
    must(
      await alice.post(
        '/pushers/set',
        pusherOf(gateway, here.pushkey, { 'org.matrix.msc3881.enabled': false }),
      ),
    )
    await watched()
    const { pushers } = must(await alice.get('/pushers')).body
    expect(pushers[0]).toMatchObject({
      'org.matrix.msc3881.enabled': false,
      'org.matrix.msc3881.device_id': alice.deviceId,
    })
    await bob.say(here.room, 'unheard')
    const told = 'SELECT 1 FROM push_members WHERE pos >= (SELECT max(pos) FROM events)'
    const name = objectName.room(server.serverName, here.room)
    await expect.poll(() => server.sql('ROOM', name, told), soon).toHaveLength(1)
    await set()
    const heard = await bob.say(here.room, 'heard')
    await expect.poll(events, soon).toEqual([heard])
  })

  it('is one of fifty at most', async () => {
    const add = (key: string) => alice.post('/pushers/set', pusherOf(gateway, key))
    for (let n = 0; n < 50; n += 1) must(await add(`${here.pushkey}-${n}`))
    const { status, body } = await add(`${here.pushkey}-more`)
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
    must(await add(`${here.pushkey}-7`))
    must(
      await alice.post('/pushers/set', {
        app_id: 'org.example.app',
        pushkey: `${here.pushkey}-3`,
        kind: null,
      }),
    )
    must(await add(`${here.pushkey}-more`))
    expect((await add(`${here.pushkey}-3`)).status).toBe(400)
  })
})
