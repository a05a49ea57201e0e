/** What stands in the objects' tables of what is gone: an account, a device, a room that was forgotten. */
import { expect, it } from 'vitest'
import { type Answer, type Body, type Client, must, proof } from '../support/client.ts'
import { planFault } from '../support/faults.ts'
import { makeCrossSigning, makeDevice } from '../support/keys.ts'
import { pushGateway, setPusher } from '../support/push-gateway.ts'
import { at } from '../support/rebuild.ts'
import { type ObjectKind, objectName } from '../support/server.ts'
import { serving } from '../support/serving.ts'

const gateway = pushGateway()
const { server, http, alice } = serving(['alice'], {
  staysAwake: 'a user who has left the memory is told of no news anyway',
  'allow-private-networks': 'on',
})

const soon = { timeout: 15_000 }

const rows = (kind: ObjectKind, id: string, query: string) =>
  server.sql(kind, objectName[kind === 'ROOM' ? 'room' : 'user'](server.serverName, id), query)

/** The tables of an object that have a column, whatever they are. */
async function tablesWith(kind: ObjectKind, id: string, column: string): Promise<string[]> {
  const query = `SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql LIKE '%${column}%' ORDER BY name`
  const isColumn = new RegExp(`[(,\\s]${column} [A-Z]`)
  return (await rows(kind, id, query))
    .filter(({ sql }) => isColumn.test(String(sql)))
    .map(({ name }) => String(name))
}

/** Those of these tables that have rows, which may have to hold a value. */
async function filled(kind: ObjectKind, id: string, tables: string[], where = '1'): Promise<string[]> {
  const found = await Promise.all(
    tables.map((table) => rows(kind, id, `SELECT 1 FROM "${table}" WHERE ${where} LIMIT 1`)),
  )
  return tables.filter((_, index) => found[index]!.length > 0)
}

/** Which tables of an object name something in a column. */
const naming = async (kind: ObjectKind, id: string, column: string, value: string) =>
  filled(kind, id, await tablesWith(kind, id, column), `${column} = '${value}'`)

const uia = async (user: Client, ask: (auth: Body) => Promise<Answer>) => must(await ask(proof(user.userId)))

let names = 0
/** Somebody of whom every table has something: a device that is used for all it can do, in a room with others. */
async function busyMember(): Promise<{ user: Client; roomId: string }> {
  names += 1
  const name = `busy${names}`
  const user = await http.register(name)
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  must(await user.join(roomId))
  await makeKeys(user)
  await setPusher(user, gateway, name)
  await expect.poll(() => naming('ROOM', roomId, 'user_id', user.userId), soon).toContain('push_members')
  must(await user.sync())
  const first = await alice.say(roomId, 'read me')
  await expect.poll(() => gateway.events(name), soon).toEqual([first])
  must(await user.post(at(roomId, `receipt/m.read/${encodeURIComponent(first)}`)))
  must(await user.post(at(roomId, 'read_markers'), { 'm.fully_read': first }))
  must(
    await user.put(
      `/user/${encodeURIComponent(user.userId)}/rooms/${encodeURIComponent(roomId)}/tags/u.x`,
      {},
    ),
  )
  const later = 'send/m.room.message/later?org.matrix.msc4140.delay=3600000'
  must(await user.put(at(roomId, later), { body: 'x' }))
  // Waits for its device, which does not ask any more; so does what the gateway refuses.
  must(await alice.put(`/sendToDevice/m.test/to-${name}`, { messages: { [user.userId]: { '*': { n: 1 } } } }))
  must(await user.put(`/sendToDevice/m.test/${name}`, { messages: { [alice.userId]: { '*': { n: 1 } } } }))
  gateway.answer(name, { status: 500 })
  await alice.say(roomId, 'not told yet')
  await expect.poll(() => filled('USER', user.userId, ['push_retries', 'inbox']), soon).toHaveLength(2)
  return { user, roomId }
}

async function makeKeys(user: Client): Promise<void> {
  const device = makeDevice(user)
  const own = { one_time_keys: device.oneTimeKeys(3), fallback_keys: device.fallbackKey() }
  must(await user.post('/keys/upload', { device_keys: device.keys, ...own }))
  const { body } = makeCrossSigning(user.userId)
  await uia(user, (auth) => user.post('/keys/device_signing/upload', { ...body, auth }))
}

/** What a device fills, and what an account does beside that. */
const OF_A_DEVICE = [
  'device_epochs',
  'device_keys',
  'devices',
  'fallback_keys',
  'inbox',
  'one_time_keys',
  'outbox_txns',
  'pushers',
]
const OF_AN_ACCOUNT = [
  'account_data',
  'cross_signing_keys',
  'push_badges',
  'push_queue',
  'push_retries',
  'push_told',
  'room_jobs',
]

/** Tables that may name a device or a room that is gone, and why. */
const STAYS: Readonly<Record<string, string>> = {
  rooms: 'says that the room is forgotten',
  forgotten: 'says so too',
  members: 'somebody was there',
  account_data: 'tags come back with the room, as they do elsewhere',
  read_markers: 'guards the order of fully-read markers',
  receipts: 'others see how far somebody had read',
  device_marks: 'others who come later may ask whose keys have changed',
  profile_marks: 'others who come later may ask whose profiles have changed',
  delayed_rooms: 'the event is refused when its time has come',
}
const others = (tables: string[]) => tables.filter((table) => !(table in STAYS))

it('a Room does not tell users of news after they have left', async () => {
  const { user, roomId } = await busyMember()
  const told = async () => others(await naming('ROOM', roomId, 'user_id', user.userId))
  await expect.poll(told, soon).toEqual(['push_members', 'subscribers'])
  must(await user.post(at(roomId, 'leave')))
  await alice.say(roomId, 'to those who are there')
  await expect.poll(told, soon).toEqual([])
})

it('a forgotten room has only the rows that say so', async () => {
  const { user, roomId } = await busyMember()
  const left = async () => [
    ...others(await naming('USER', user.userId, 'room_id', roomId)),
    ...others(await naming('ROOM', roomId, 'user_id', user.userId)),
  ]
  expect(await left()).toContain('push_badges')
  must(await user.post(at(roomId, 'leave')))
  must(await user.post(at(roomId, 'forget')))
  await expect.poll(left, soon).toEqual([])
  await expect.poll(() => filled('USER', user.userId, ['push_queue', 'room_jobs']), soon).toEqual([])
})

it('a deleted device leaves no rows behind, nor does anything that only it had', async () => {
  const { user } = await busyMember()
  const named = () => naming('USER', user.userId, 'device_id', user.deviceId)
  expect(await named()).toEqual(OF_A_DEVICE)
  const phone = await http.login(user.userId)
  must(await phone.sync())
  await uia(phone, (auth) => phone.post('/delete_devices', { devices: [user.deviceId], auth }))
  await expect.poll(named, soon).toEqual([])
  const pushing = ['push_queue', 'push_retries', 'push_told', 'push_badges', 'room_jobs']
  await expect.poll(() => filled('USER', user.userId, pushing), soon).toEqual([])
  expect(await naming('USER', user.userId, 'device_id', phone.deviceId)).toEqual(['device_epochs', 'devices'])
})

it('a closed account keeps no sessions, settings, keys, messages or work, and no Room tells it of news', async () => {
  const { user, roomId } = await busyMember()
  // Work that cannot be done yet.
  await planFault(http, 'drop:room.updateProfile', 1_000)
  const profile = `/profile/${encodeURIComponent(user.userId)}/displayname`
  must(await user.put(profile, { displayname: 'Somebody else' }))
  const gone = [...OF_A_DEVICE, ...OF_AN_ACCOUNT].sort()
  expect(await filled('USER', user.userId, gone)).toEqual(gone)
  await planFault(http, 'drop:room.updateProfile', 0)
  await uia(user, (auth) => user.post('/account/deactivate', { auth }))
  await expect.poll(() => filled('USER', user.userId, gone), soon).toEqual([])
  await expect
    .poll(async () => others(await naming('ROOM', roomId, 'user_id', user.userId)), soon)
    .toEqual([])
})

it('the archive forgets what a user has deleted', async () => {
  const user = await http.register('tidy')
  const { version } = must(await user.post('/room_keys/version', { algorithm: 'm.test', auth_data: {} })).body
  const key = { first_message_index: 0, forwarded_count: 0, is_verified: false, session_data: {} }
  const sessions = Object.fromEntries(Array.from({ length: 700 }, (_, n) => [`s${n}`, key]))
  const keys = `/room_keys/keys/!r:${server.serverName}?version=${version}`
  must(await user.put(keys, { sessions }))
  must(await user.delete(keys))
  const gone = () =>
    server.pg('select count(*)::int as n from user_records where user_id = $1 and body is null', [
      user.userId,
    ])
  await expect.poll(gone, soon).toEqual([{ n: 700 }])
  const hour = 3_600_000_000
  await server.pg(`update user_records set seq = seq - ${hour} where user_id = $1`, [user.userId])
  must(await user.put(`/user/${user.userId}/account_data/org.example`, { a: 1 }))
  await expect.poll(gone, soon).toEqual([{ n: 0 }])
})

it('the archive forgets delayed events that have been over for a day', async () => {
  const roomId = await alice.createRoom()
  const schedule = async (txn: string): Promise<string> => {
    const query = { 'org.matrix.msc4140.delay': 3_600_000 }
    const path = at(roomId, `send/m.room.message/${txn}`)
    return must(await http.request('PUT', path, { body: txn }, { token: alice.token, query })).body.delay_id
  }
  const cancelled = await schedule('over')
  const path = `/_matrix/client/unstable/org.matrix.msc4140/delayed_events/${cancelled}/cancel`
  must(await http.request('POST', path, {}))
  const archived = async () => {
    const kept = await server.pg('select delay_id from delayed_events where room_id = $1', [roomId])
    return kept.map((row) => row.delay_id)
  }
  await expect.poll(archived, soon).toEqual([cancelled])
  await rows('ROOM', roomId, 'UPDATE delayed_events SET finalised_at = 0')
  const waiting = await schedule('waits')
  await expect.poll(archived, soon).toEqual([waiting])
})
