/** Users wiped and made again from Postgres alone: they go on, from the same sessions. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../support/client.ts'
import { makeCrossSigning, makeDevice, signed } from '../../support/keys.ts'
import {
  archived,
  archivedUser,
  at,
  bodies,
  rebuild,
  wipeAndRebuildRoom,
  wipeAndRebuildUser,
} from '../../support/rebuild.ts'
import { objectName } from '../../support/server.ts'
import { serving } from '../../support/serving.ts'

const { server, http, someone, alice } = serving(['alice'])

const accountData = (client: Client, type: string) =>
  `/user/${encodeURIComponent(client.userId)}/account_data/${type}`

describe('a rebuilt user', () => {
  it('keeps sessions, account data, filters, tags, profile and rooms', async () => {
    const carol = await someone()
    const phone = await http.login(carol.userId.slice(1, carol.userId.indexOf(':')))
    const [joined, left, invited] = [
      await alice.createRoom({ preset: 'public_chat' }),
      await alice.createRoom({ preset: 'public_chat' }),
      await alice.createRoom({ name: 'Come in' }),
    ]
    must(await carol.join(joined))
    must(await carol.join(left))
    must(await carol.post(at(left, 'leave')))
    must(await alice.invite(invited, carol.userId))
    must(await carol.put(accountData(carol, 'org.example.x'), { x: 1 }))
    const tags = `/user/${encodeURIComponent(carol.userId)}/rooms/${encodeURIComponent(joined)}/tags`
    must(await carol.put(`${tags}/u.mine`, {}))
    must(
      await carol.put(`/profile/${encodeURIComponent(carol.userId)}/displayname`, { displayname: 'Carol' }),
    )
    const filter = { room: { timeline: { limit: 3 } } }
    const filters = `/user/${encodeURIComponent(carol.userId)}/filter`
    const { filter_id: filterId } = must(await carol.post(filters, filter)).body
    const { next_batch: since } = must(await carol.sync()).body
    for (const room of [joined, left, invited]) await archived(server, room)
    await wipeAndRebuildUser(server, carol)

    expect(must(await phone.get('/account/whoami')).body.device_id).toBe(phone.deviceId)
    expect(must(await carol.get('/devices')).body.devices).toHaveLength(2)
    expect(must(await carol.get('/joined_rooms')).body.joined_rooms).toEqual([joined])
    expect(must(await carol.get(accountData(carol, 'org.example.x'))).body).toEqual({ x: 1 })
    expect(must(await carol.get(tags)).body).toEqual({ tags: { 'u.mine': {} } })
    expect(must(await carol.get(`${filters}/${filterId}`)).body).toEqual(filter)
    expect(must(await carol.get(`/profile/${encodeURIComponent(carol.userId)}`)).body.displayname).toBe(
      'Carol',
    )

    // The token of before is answered as after a long absence.
    const { rooms, account_data, device_lists, next_batch } = must(await carol.sync({ since })).body
    expect(device_lists.changed).toContain(carol.userId)
    expect(rooms.join[joined].timeline.limited).toBe(true)
    const stripped = rooms.invite[invited].invite_state.events
    expect(stripped.find((event: Body) => event.type === 'm.room.name').content).toEqual({ name: 'Come in' })
    expect(stripped.at(-1)).toMatchObject({ type: 'm.room.member', state_key: carol.userId })
    expect(account_data.events).toContainEqual({ type: 'org.example.x', content: { x: 1 } })

    const waiting = carol.sync({ since: next_batch, timeout: 10_000 })
    await alice.say(joined, 'welcome back')
    expect(bodies(must(await waiting).body.rooms.join[joined].timeline.events)).toEqual(['welcome back'])
    must(await carol.join(invited))
    must(await carol.post(at(joined, 'leave')))
    expect(must(await carol.get('/joined_rooms')).body.joined_rooms).toEqual([invited])
  })

  it('stays suspended, and out of the rooms that they have forgotten', async () => {
    const gina = await someone()
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await gina.join(room))
    must(await gina.post(at(room, 'leave')))
    must(await gina.post(at(room, 'forget')))
    await server.pg("update accounts set admin = true where localpart = 'alice'")
    const suspended = `/_matrix/client/v1/admin/suspend/${encodeURIComponent(gina.userId)}`
    must(await http.request('PUT', suspended, { suspended: true }, { token: alice.token }))
    await archived(server, room)
    await wipeAndRebuildUser(server, gina)
    const filter = JSON.stringify({ room: { include_leave: true } })
    expect(must(await gina.sync({ filter })).body.rooms?.leave?.[room]).toBeUndefined()
    const refused = await gina.join(room)
    expect([refused.status, refused.body.errcode]).toEqual([403, 'M_USER_SUSPENDED'])
  })

  it('keeps device keys, cross-signing keys and signatures, and asks for new one-time keys', async () => {
    const fay = await someone()
    const device = makeDevice(fay)
    const { body, selfSigning } = makeCrossSigning(fay.userId)
    const oneTimeKeys = device.oneTimeKeys(3)
    must(await fay.post('/keys/upload', { device_keys: device.keys, one_time_keys: oneTimeKeys }))
    must(await fay.post('/keys/device_signing/upload', body))
    const bySelf = signed(device.keys, fay.userId, selfSigning.publicKey, selfSigning)
    must(await fay.post('/keys/signatures/upload', { [fay.userId]: { [fay.deviceId]: bySelf } }))
    const keys = async () => must(await fay.post('/keys/query', { device_keys: { [fay.userId]: [] } })).body
    const before = await keys()
    expect(Object.keys(before.device_keys[fay.userId][fay.deviceId].signatures[fay.userId])).toHaveLength(2)
    await wipeAndRebuildUser(server, fay)
    expect(await keys()).toEqual(before)
    expect(must(await fay.sync()).body.device_one_time_keys_count).toEqual({ signed_curve25519: 0 })
    must(await fay.post('/keys/upload', { one_time_keys: device.oneTimeKeys(2, 10) }))
  })

  it('brings no ended session back', async () => {
    const dave = await someone()
    const old = await http.login(dave.userId.slice(1, dave.userId.indexOf(':')))
    must(await old.post('/logout'))
    await wipeAndRebuildUser(server, dave)
    expect((await old.get('/devices')).status).toBe(401)
    must(await dave.get('/devices'))
  })

  it('has its pushers, and the rooms know of them, rebuilt or not', async () => {
    const frank = await someone()
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await frank.join(room))
    must(
      await frank.post('/pushers/set', {
        ...{ app_id: 'app', pushkey: 'key', kind: 'http', lang: 'en' },
        ...{ app_display_name: 'App', device_display_name: 'Phone' },
        data: { url: 'https://127.0.0.1:1/_matrix/push/v1/notify' },
      }),
    )
    const known = () =>
      server.sql('ROOM', objectName.room(server.serverName, room), 'SELECT user_id FROM push_members')
    await expect.poll(known, { timeout: 10_000 }).toEqual([{ user_id: frank.userId }])
    await wipeAndRebuildUser(server, frank)
    expect(must(await frank.get('/pushers')).body.pushers).toMatchObject([{ pushkey: 'key' }])
    await wipeAndRebuildRoom(server, room, alice)
    await expect.poll(known, { timeout: 10_000 }).toEqual([{ user_id: frank.userId }])
  })

  it('lists the delayed events that wait, and those of no other member', async () => {
    const [carol, dave] = [await someone(), await someone()]
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    for (const member of [carol, dave]) must(await member.join(roomId))
    const later = at(roomId, 'send/m.room.message/later?org.matrix.msc4140.delay=3600000')
    const { delay_id: waiting } = must(await carol.put(later, { body: `"sender":"${dave.userId}"` })).body
    const kept = () => server.pg('select 1 from delayed_events where room_id = $1', [roomId])
    await expect.poll(kept, { timeout: 10_000 }).toHaveLength(1)
    for (const member of [carol, dave]) await wipeAndRebuildUser(server, member)
    const path = '/_matrix/client/unstable/org.matrix.msc4140/delayed_events'
    const { scheduled } = must(await carol.get(path)).body
    expect(scheduled.map((event: Body) => event.delay_id)).toEqual([waiting])
    const name = objectName.user(server.serverName, dave.userId)
    expect(await server.sql('USER', name, 'SELECT * FROM delayed_rooms')).toEqual([])
  })

  it('tells waiting clients, and stays the same when rebuilt twice', async () => {
    const erin = await someone()
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await erin.join(room))
    const { next_batch: since } = must(await erin.sync()).body
    await archived(server, room)
    const waiting = erin.sync({ since, timeout: 20_000 })
    await rebuild(server, 'user', erin.userId)
    const first = must(await waiting).body
    expect(first.rooms.join[room].timeline.limited).toBe(true)
    await rebuild(server, 'user', erin.userId)
    const second = must(await erin.sync({ since: first.next_batch })).body
    expect(second.rooms.join[room].timeline.limited).toBe(true)
    expect(must(await erin.sync({ since: second.next_batch })).body.rooms).toBeUndefined()
  })
})

it('a rebuilt user still gets the to-device messages that waited, each once', async () => {
  const [alice, bob] = [await http.register('sender'), await http.register('receiver')]
  const send = (n: number) =>
    alice.put(`/sendToDevice/m.dummy/${n}`, { messages: { [bob.userId]: { [bob.deviceId]: { n } } } })
  const look = async (since?: string) => {
    const { body } = must(await bob.sync({ since }))
    const events: Body[] = body.to_device?.events ?? []
    return { said: events.map(({ content }) => content.n), next: body.next_batch }
  }
  const before = await look()
  must(await send(1))
  await rebuild(server, 'user', bob.userId)
  const after = await look(before.next)
  expect(after.said).toEqual([1])
  must(await send(2))
  const later = await look(after.next)
  expect(later.said).toEqual([2])
})

it('a rebuilt user’s messages are new to everybody, even if the clock has gone back', async () => {
  const [sender, receiver] = [await http.register('behind'), await http.register('ahead')]
  const send = (n: number) =>
    sender.put(`/sendToDevice/m.dummy/${n}`, {
      messages: { [receiver.userId]: { [receiver.deviceId]: { n } } },
    })
  const name = objectName.user(server.serverName, sender.userId)
  must(await send(1))
  await server.sql('USER', name, "UPDATE meta SET value = value + 86400000 WHERE key = 'outbox_seq'")
  let said: number[] = []
  const saidAll = async () => {
    const events: Body[] = must(await receiver.sync()).body.to_device?.events ?? []
    said = events.map(({ content }) => content.n)
    return said
  }
  must(await send(2))
  await expect.poll(saidAll, { timeout: 10_000 }).toEqual([1, 2])
  await rebuild(server, 'user', sender.userId)
  must(await send(3))
  await expect.poll(saidAll, { timeout: 10_000 }).toEqual([1, 2, 3])
})

it('a rebuilt user has the backup of room keys', async () => {
  const carol = await http.register('backup')
  const key = { first_message_index: 0, forwarded_count: 0, is_verified: true, session_data: { c: 'text' } }
  const algorithm = 'm.megolm_backup.v1.curve25519-aes-sha2'
  const begin = () => carol.post('/room_keys/version', { algorithm, auth_data: {} })
  const { version } = must(await begin()).body
  const at = `/room_keys/keys/${encodeURIComponent('!r:test.example')}`
  must(await carol.put(`${at}/kept?version=${version}`, key))
  must(await carol.put(`${at}/deleted?version=${version}`, key))
  must(await carol.delete(`${at}/deleted?version=${version}`))
  // Last: a change of keys brings the version to the archive too.
  must(await carol.put(`/room_keys/version/${version}`, { algorithm, auth_data: { signed: 'anew' } }))
  const before = must(await carol.get('/room_keys/version')).body
  await rebuild(server, 'user', carol.userId)
  expect(must(await carol.get('/room_keys/version')).body).toEqual(before)
  expect(must(await carol.get(`${at}?version=${version}`)).body).toEqual({ sessions: { kept: key } })
  must(await carol.delete(`/room_keys/version/${version}`))
  await rebuild(server, 'user', carol.userId)
  expect(must(await begin()).body.version).toBe(String(Number(version) + 1))
})

it('a rebuilt user’s backup is counted anew if the archive does not have all of it', async () => {
  const dora = await http.register('recount')
  const key = { first_message_index: 0, forwarded_count: 0, is_verified: true, session_data: { c: 'text' } }
  const algorithm = 'm.megolm_backup.v1.curve25519-aes-sha2'
  const { version } = must(await dora.post('/room_keys/version', { algorithm, auth_data: {} })).body
  const rooms = { '!r:test.example': { sessions: { one: key, two: key, three: key } } }
  must(await dora.put(`/room_keys/keys?version=${version}`, { rooms }))
  await archivedUser(server, dora)
  const lost = "delete from user_records where user_id = $1 and kind = 'backup_key' and key like '%two%'"
  await server.pg(lost, [dora.userId])
  await rebuild(server, 'user', dora.userId)
  const { body } = must(await dora.get('/room_keys/version'))
  expect(body).toMatchObject({ version, count: 2, etag: '2' })
})
