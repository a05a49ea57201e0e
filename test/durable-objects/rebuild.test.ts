/** Objects wiped and made again from Postgres alone; people go on talking. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { type Api, api, type Body, type Client, must, testPassword } from '../support/client.ts'
import { makeCrossSigning, makeDevice, signed } from '../support/keys.ts'
import { type ObjectKind, objectName, startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let http: Api
let alice: Client
let bob: Client
let names = 0

beforeAll(async () => {
  server = await startServer()
  http = api(server)
  alice = await http.register('alice')
  bob = await http.register('bob')
})
afterAll(() => server?.stop())

const at = (room: string, rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`
const bodies = (events: Body[]): string[] => events.map(({ content }) => content.body).filter(Boolean)
const history = async (client: Client, room: string): Promise<Body[]> =>
  must(await client.get(at(room, 'messages'), { dir: 'f', limit: 200 })).body.chunk
const accountData = (client: Client, type: string) =>
  `/user/${encodeURIComponent(client.userId)}/account_data/${type}`

/** Every table is gone, as if the object had never been. */
async function wipe(kind: ObjectKind, name: string): Promise<void> {
  await server.evict(kind, name)
  const tables = await server.sql(kind, name, "SELECT name FROM sqlite_master WHERE type = 'table'")
  for (const { name: table } of tables) {
    if (!/^(sqlite_|_cf_)/.test(String(table))) await server.sql(kind, name, `DROP TABLE "${table}"`)
  }
  await server.evict(kind, name)
}

/** Waits until the archive has everything that the room's object has. */
async function archived(room: string): Promise<void> {
  const name = objectName.room(server.serverName, room)
  const newest = async () => {
    const [row] = await server.sql('ROOM', name, 'SELECT max(pos) AS pos FROM events')
    const [known] = await server.pg('select archived_pos from rooms where room_id = $1', [room])
    return Number(known?.archived_pos ?? 0) >= Number(row?.pos)
  }
  await expect.poll(newest, { timeout: 10_000 }).toBe(true)
}

/** Waits until nothing of a user is on its way to the archive. */
async function archivedUser(client: Client): Promise<void> {
  const name = objectName.user(server.serverName, client.userId)
  const waiting = () => server.sql('USER', name, 'SELECT seq FROM log')
  await expect.poll(waiting, { timeout: 10_000 }).toEqual([])
}

/** As the npm scripts do it: with a token signed by the server's own key. */
async function rebuild(kind: 'room' | 'user', id: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      ...['--disable-warning=ExperimentalWarning', 'local/rebuild.ts', kind, id],
      ...['--public-url', server.url, '--server-name', server.serverName, '--data-dir', server.folder],
    ],
    { cwd: projectRoot },
  )
  return stdout
}

async function wipeAndRebuildRoom(room: string): Promise<void> {
  await archived(room)
  await wipe('ROOM', objectName.room(server.serverName, room))
  expect((await alice.put(at(room, 'state/org.example.x'), {})).status).toBe(404)
  expect(await rebuild('room', room)).toMatch(/^rebuilt !.*: \d+ events\n$/)
}

async function wipeAndRebuildUser(client: Client): Promise<void> {
  await archivedUser(client)
  await wipe('USER', objectName.user(server.serverName, client.userId))
  expect((await client.sync()).status).toBe(401)
  expect(await rebuild('user', client.userId)).toMatch(/^rebuilt @.*: \d+ records\n$/)
}

async function someone(): Promise<Client> {
  names += 1
  return http.register(`someone${names}`)
}

describe.each(['10', '11', '12'])('a rebuilt room of version %s', (version) => {
  let room: string
  beforeAll(async () => {
    room = await alice.createRoom({ preset: 'public_chat', room_version: version, name: 'Old' })
    must(await bob.join(room))
    await alice.say(room, 'one')
  })

  it('shows what it showed, and goes on', async () => {
    must(await alice.put(at(room, 'state/m.room.name'), { name: 'New' }))
    const gone = await someone()
    must(await gone.join(room))
    must(await gone.post(at(room, 'leave')))
    await alice.say(room, 'while they were away')
    const since = must(await bob.sync()).body.next_batch
    const before = await history(bob, room)
    const stateBefore = must(await bob.get(at(room, 'state'))).body
    const goneBefore = bodies(await history(gone, room))
    await wipeAndRebuildRoom(room)

    const ids = (events: Body[]) => events.map((event) => event.event_id)
    expect(ids(await history(bob, room))).toEqual(ids(before))
    expect(ids(must(await bob.get(at(room, 'state'))).body)).toEqual(ids(stateBefore))
    expect(bodies(await history(gone, room))).toEqual(goneBefore)

    const id = await alice.say(room, 'two')
    const { rooms } = must(await bob.sync({ since, timeout: 5_000 })).body
    const timeline = rooms.join[room].timeline
    expect(bodies(timeline.events)).toEqual(['two'])
    expect(timeline.limited).toBe(false)
    const [row] = await server.sql(
      'ROOM',
      objectName.room(server.serverName, room),
      `SELECT pdu, pos FROM events WHERE event_id = '${id}'`,
    )
    expect(JSON.parse(String(row?.pdu)).prev_events).toEqual([ids(before).at(-1)])
    expect(Number(row?.pos)).toBeGreaterThan(1_000_000)
    await archived(room)
    must(await bob.post(at(room, 'leave')))
    expect((await bob.get('/joined_rooms')).body.joined_rooms).not.toContain(room)
    must(await bob.join(room))
  })

  it('reaches who was waiting all along', async () => {
    const { next_batch: since } = must(await bob.sync()).body
    await wipeAndRebuildRoom(room)
    const waiting = bob.sync({ since, timeout: 20_000 })
    await alice.say(room, 'to the waiting')
    let answer = must(await waiting).body
    while (!JSON.stringify(answer).includes('to the waiting')) {
      answer = must(await bob.sync({ since: answer.next_batch, timeout: 10_000 })).body
    }
  })

  it('does not send again what was sent', async () => {
    const first = await alice.say(room, 'once', 'same-transaction')
    await wipeAndRebuildRoom(room)
    expect(await alice.say(room, 'once', 'same-transaction')).toBe(first)
    expect(bodies(await history(bob, room)).filter((body) => body === 'once')).toHaveLength(1)
  })

  it('keeps redacted what was redacted, and redacts what comes back', async () => {
    const secret = `secret of ${version}`
    const [gone, stays] = [await alice.say(room, secret), await alice.say(room, `${secret}, later`)]
    must(await alice.put(at(room, `redact/${encodeURIComponent(gone)}/r1`), {}))
    await wipeAndRebuildRoom(room)
    const event = must(await bob.get(at(room, `event/${encodeURIComponent(gone)}`))).body
    expect(event.content).toEqual({})
    expect(event.unsigned.redacted_because.type).toBe('m.room.redaction')
    must(await alice.put(at(room, `redact/${encodeURIComponent(stays)}/r2`), {}))
    expect(JSON.stringify(await history(bob, room))).not.toContain(secret)
    const left = () =>
      server.pg('select pdu from events where room_id = $1 and pdu like $2', [room, `%${secret}%`])
    await expect.poll(left, { timeout: 5_000 }).toEqual([])
    const rows = await server.sql('ROOM', objectName.room(server.serverName, room), 'SELECT pdu FROM events')
    expect(JSON.stringify(rows)).not.toContain(secret)
  })

  it('has the chains and the authority that it had', async () => {
    const query = 'SELECT event_id, chain, seq FROM events WHERE chain IS NOT NULL ORDER BY pos'
    const name = objectName.room(server.serverName, room)
    const before = await server.sql('ROOM', name, query)
    await wipeAndRebuildRoom(room)
    expect(await server.sql('ROOM', name, query)).toEqual(before)
    expect((await bob.put(at(room, 'state/m.room.name'), { name: 'not by bob' })).status).toBe(403)
    must(await alice.put(at(room, 'state/m.room.name'), { name: 'by alice' }))
  })
})

describe('a room', () => {
  it('keeps who forgot it', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    must(await bob.post(at(room, 'leave')))
    must(await bob.post(at(room, 'forget')))
    const query = 'select 1 from room_memberships where room_id = $1 and forgotten'
    await expect.poll(() => server.pg(query, [room]), { timeout: 5_000 }).toHaveLength(1)
    await wipeAndRebuildRoom(room)
    expect((await bob.get(at(room, 'messages'), { dir: 'b' })).status).toBe(403)
  })

  it('shows nobody what an erased user said, though it was made again before all was pruned', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    const gone = await someone()
    must(await gone.join(room))
    await gone.say(room, 'not for newcomers')
    const auth = {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: gone.userId },
      password: testPassword,
    }
    must(await gone.post('/account/deactivate', { erase: true, auth }))
    const query = 'select 1 from room_memberships where room_id = $1 and erased_pos is not null'
    await expect.poll(() => server.pg(query, [room]), { timeout: 5_000 }).toHaveLength(1)
    await wipeAndRebuildRoom(room)
    must(await bob.join(room))
    expect(bodies(await history(bob, room))).toEqual([])
    expect(bodies(await history(alice, room))).toEqual([])
  })

  it('sends what was waiting to be sent, a full delay after it came back', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    const later = async (text: string, delay: string): Promise<string> => {
      const query = { 'org.matrix.msc4140.delay': delay }
      const message = { msgtype: 'm.text', body: text }
      const path = at(room, `send/m.room.message/${text}`)
      return must(await http.request('PUT', path, message, { token: alice.token, query })).body.delay_id
    }
    await later('soon', '1500')
    const waiting = await later('much-later', '600000')
    const cancelled = await later('never', '600000')
    const delayed = '/_matrix/client/unstable/org.matrix.msc4140/delayed_events'
    must(await http.request('POST', `${delayed}/${cancelled}/cancel`, {}))
    await wipeAndRebuildRoom(room)
    const said = async () => bodies(await history(alice, room))
    await expect.poll(said, { timeout: 10_000 }).toEqual(['soon'])
    const { scheduled, finalised } = must(await alice.get(delayed)).body
    const ids = (list: Body[]) => list.map((one) => one.delay_id ?? one.delayed_event.delay_id)
    expect(ids(scheduled)).toContain(waiting)
    expect(ids(finalised)).toContain(cancelled)
    must(await http.request('POST', `${delayed}/${waiting}/send`, {}))
    expect(await said()).toEqual(['soon', 'much-later'])
  })

  it('is finished where the server died in the middle', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    for (let i = 0; i < 12; i += 1) {
      await Promise.all(Array.from({ length: 50 }, (_, n) => alice.say(room, `${i * 50 + n}`)))
    }
    await archived(room)
    const name = objectName.room(server.serverName, room)
    const events = () => server.sql('ROOM', name, 'SELECT event_id, pos FROM events ORDER BY pos')
    const before = await events()
    const asked = rebuild('room', room).catch(() => '')
    const begun = () => server.sql('ROOM', name, "SELECT 1 FROM meta WHERE key = 'rebuilding'")
    await expect.poll(begun, { timeout: 10_000, interval: 1 }).toHaveLength(1)
    await server.restart()
    await asked
    await expect.poll(begun, { timeout: 30_000 }).toEqual([])
    expect(await events()).toEqual(before)
    await alice.say(room, 'after all')
  })

  it('is rebuilt while it lives, with nothing lost', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    await alice.say(room, 'just now')
    await rebuild('room', room)
    expect(bodies(await history(alice, room))).toEqual(['just now'])
  })

  it('of more events than one batch comes back whole', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    for (let i = 0; i < 13; i += 1) {
      await Promise.all(Array.from({ length: 50 }, (_, n) => alice.say(room, `${i * 50 + n}`)))
    }
    await wipeAndRebuildRoom(room)
    const query = 'SELECT count(*) AS n FROM events'
    const [row] = await server.sql('ROOM', objectName.room(server.serverName, room), query)
    expect(Number(row?.n)).toBeGreaterThan(650)
    await alice.say(room, 'after')
  })
})

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
    for (const room of [joined, left, invited]) await archived(room)
    await wipeAndRebuildUser(carol)

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
    const { rooms, account_data, next_batch } = must(await carol.sync({ since })).body
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
    await wipeAndRebuildUser(fay)
    expect(await keys()).toEqual(before)
    expect(must(await fay.sync()).body.device_one_time_keys_count).toEqual({ signed_curve25519: 0 })
    must(await fay.post('/keys/upload', { one_time_keys: device.oneTimeKeys(2, 10) }))
  })

  it('brings no ended session back', async () => {
    const dave = await someone()
    const old = await http.login(dave.userId.slice(1, dave.userId.indexOf(':')))
    must(await old.post('/logout'))
    await wipeAndRebuildUser(dave)
    expect((await old.get('/devices')).status).toBe(401)
    must(await dave.get('/devices'))
  })

  it('has its pushers, of which the rooms know, rebuilt or not', async () => {
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
    await wipeAndRebuildUser(frank)
    expect(must(await frank.get('/pushers')).body.pushers).toMatchObject([{ pushkey: 'key' }])
    await wipeAndRebuildRoom(room)
    await expect.poll(known, { timeout: 10_000 }).toEqual([{ user_id: frank.userId }])
  })

  it('tells who waits, and is no other for being rebuilt twice', async () => {
    const erin = await someone()
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await erin.join(room))
    const { next_batch: since } = must(await erin.sync()).body
    await archived(room)
    const waiting = erin.sync({ since, timeout: 20_000 })
    await rebuild('user', erin.userId)
    const first = must(await waiting).body
    expect(first.rooms.join[room].timeline.limited).toBe(true)
    await rebuild('user', erin.userId)
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
  await rebuild('user', bob.userId)
  const after = await look(before.next)
  expect(after.said).toEqual([1])
  must(await send(2))
  const later = await look(after.next)
  expect(later.said).toEqual([2])
})

it('a rebuilt user has the backup of room keys', async () => {
  const carol = await http.register('backup')
  const key = { first_message_index: 0, forwarded_count: 0, is_verified: true, session_data: { c: 'text' } }
  const begin = () =>
    carol.post('/room_keys/version', { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: {} })
  const { version } = must(await begin()).body
  const at = `/room_keys/keys/${encodeURIComponent('!r:test.example')}`
  must(await carol.put(`${at}/kept?version=${version}`, key))
  must(await carol.put(`${at}/deleted?version=${version}`, key))
  must(await carol.delete(`${at}/deleted?version=${version}`))
  const before = must(await carol.get('/room_keys/version')).body
  await rebuild('user', carol.userId)
  expect(must(await carol.get('/room_keys/version')).body).toEqual(before)
  expect(must(await carol.get(`${at}?version=${version}`)).body).toEqual({ sessions: { kept: key } })
  must(await carol.delete(`/room_keys/version/${version}`))
  await rebuild('user', carol.userId)
  expect(must(await begin()).body.version).toBe(String(Number(version) + 1))
})

describe('rebuilding', () => {
  it('is for operators and administrators', async () => {
    const room = await alice.createRoom()
    const path = `/_selvedge/admin/rebuild/room/${encodeURIComponent(room)}`
    expect((await http.request('POST', path)).status).toBe(401)
    expect((await alice.post(path)).status).toBe(403)
    expect((await http.request('POST', path, undefined, { token: 'made.up.token' })).status).toBe(401)
    const boss = await someone()
    await archived(room)
    const localpart = boss.userId.slice(1, boss.userId.indexOf(':'))
    await server.pg('update accounts set admin = true where localpart = $1', [localpart])
    expect(must(await boss.post(path)).body.events).toBeGreaterThan(5)
  })

  it('makes nothing of what the archive does not know', async () => {
    await expect(rebuild('room', '!none:test.example')).rejects.toThrow(/refused: 404/)
    await expect(rebuild('user', '@none:test.example')).rejects.toThrow(/refused: 404/)
    await expect(rebuild('user', '@some:elsewhere.example')).rejects.toThrow(/refused: 403/)
  })

  it('leaves a room alone while Postgres is away', async () => {
    const room = await alice.createRoom()
    await alice.say(room, 'still here')
    await server.postgres.stop()
    await expect(rebuild('room', room)).rejects.toThrow(/refused: 503/)
    await server.postgres.start()
    expect(bodies(await history(alice, room))).toEqual(['still here'])
    await alice.say(room, 'and on')
  })
})

it('a rebuilt room lets nobody miss whose keys changed before', async () => {
  const room = await alice.createRoom({ preset: 'public_chat' })
  const gus = await someone()
  must(await gus.join(room))
  const { next_batch: since } = must(await gus.sync()).body
  must(await alice.post('/keys/upload', { device_keys: makeDevice(alice).keys }))
  const name = objectName.room(server.serverName, room)
  const marks = () => server.sql('ROOM', name, 'SELECT user_id FROM device_marks')
  await expect.poll(marks, { timeout: 5_000 }).toEqual([{ user_id: alice.userId }])
  await wipeAndRebuildRoom(room)
  expect(must(await gus.sync({ since })).body.device_lists.changed).toContain(alice.userId)
})

it('a rebuilt room knows how far people have read', async () => {
  const room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
  const [first] = [await alice.say(room, 'one'), await alice.say(room, 'two')]
  must(await bob.post(at(room, `receipt/m.read/${encodeURIComponent(first)}`)))
  const receipts = () => server.pg('select event_id from receipts where room_id = $1', [room])
  await expect.poll(receipts, { timeout: 10_000 }).toEqual([{ event_id: first }])
  await wipeAndRebuildRoom(room)
  const section = must(await bob.sync()).body.rooms.join[room]
  const receipt = section.ephemeral.events.find(({ type }: Body) => type === 'm.receipt')
  expect(receipt.content[first]['m.read']).toHaveProperty([bob.userId])
  expect(section.unread_notifications.notification_count).toBe(1)
})
