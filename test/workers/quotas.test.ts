/** What one user may keep: each quota holds, says so, and has room again when something goes. */
import { describe, expect, it } from 'vitest'
import { type Answer, type Client, must } from '../support/client.ts'
import { passed, planFault } from '../support/faults.ts'
import { serving } from '../support/serving.ts'

const { server, http } = serving([], {
  'max-account-data-bytes-per-user': '20000',
  'max-key-backup-bytes-per-user': '10000',
  'max-filters-per-user': '3',
  'max-devices-per-user': '3',
  'max-aliases-per-user': '3',
  'max-rooms-per-user': '4',
})
let names = 0

const person = () => http.register(`keeper${++names}`)
const errorOf = ({ status, body }: Answer) => [status, body.errcode]
const TOO_LARGE = [413, 'M_TOO_LARGE']
const TOO_MANY = [403, 'M_RESOURCE_LIMIT_EXCEEDED']
const path = ({ userId }: Client, more: string) => `/user/${encodeURIComponent(userId)}${more}`
const text = (length: number) => ({ x: 'y'.repeat(length) })

describe('account data', () => {
  it('counts all types and rooms together, and a replaced value once', async () => {
    const alice = await person()
    const room = await alice.createRoom()
    const put = (type: string, length: number) =>
      alice.put(path(alice, `/account_data/${type}`), text(length))
    const putInRoom = (type: string, length: number) =>
      alice.put(path(alice, `/rooms/${room}/account_data/${type}`), text(length))
    must(await put('a', 9_000))
    must(await putInRoom('a', 9_000))
    expect(errorOf(await put('b', 3_000))).toEqual(TOO_LARGE)
    expect(errorOf(await putInRoom('b', 3_000))).toEqual(TOO_LARGE)
    expect(errorOf(await alice.get(path(alice, '/account_data/b')))).toEqual([404, 'M_NOT_FOUND'])
    must(await put('a', 9_100))
    must(await put('a', 10))
    must(await put('b', 3_000))
  })

  it('counts tags, and many small entries', async () => {
    const alice = await person()
    const room = await alice.createRoom()
    const tag = (name: string, length: number) =>
      alice.put(path(alice, `/rooms/${room}/tags/${name}`), text(length))
    must(await tag('u.a', 10_000))
    expect(errorOf(await tag('u.b', 12_000))).toEqual(TOO_LARGE)
    expect(Object.keys(must(await alice.get(path(alice, `/rooms/${room}/tags`))).body.tags)).toEqual(['u.a'])
    let refused: Answer | undefined
    for (let n = 0; n < 100 && refused === undefined; n += 1) {
      const answer = await alice.put(path(alice, `/account_data/n${n}`), {})
      if (answer.status !== 200) refused = answer
    }
    expect(refused && errorOf(refused)).toEqual(TOO_LARGE)
  })

  it('of another user is counted apart', async () => {
    const [alice, bob] = [await person(), await person()]
    for (const client of [alice, bob]) must(await client.put(path(client, '/account_data/a'), text(19_000)))
  })
})

it('filters are limited in number and size, and the same one again does not count', async () => {
  const alice = await person()
  const store = (limit: number) => alice.post(path(alice, '/filter'), { room: { timeline: { limit } } })
  for (const limit of [1, 2, 3]) must(await store(limit))
  expect(errorOf(await store(4))).toEqual(TOO_MANY)
  must(await store(3))
  const bob = await person()
  const large = { 'org.example.more': 'x'.repeat(270_000) }
  expect(errorOf(await bob.post(path(bob, '/filter'), large))).toEqual(TOO_LARGE)
})

it('devices are limited in number: a known one signs in again, and one that leaves makes room', async () => {
  const alice = await person()
  const login = (device_id: string) => http.login(alice.userId, { device_id })
  const second = await login('SECOND')
  await login('THIRD')
  await expect(login('FOURTH')).rejects.toThrow(/M_RESOURCE_LIMIT_EXCEEDED|403/)
  must(await alice.get('/devices'))
  await login('THIRD')
  must(await second.post('/logout'))
  await login('FOURTH')
})

it('aliases are limited in number, with a new room or without', async () => {
  const alice = await person()
  const room = await alice.createRoom({ room_alias_name: `q${names}a` })
  const add = (name: string) =>
    alice.put(`/directory/room/${encodeURIComponent(`#q${names}${name}:${server.serverName}`)}`, {
      room_id: room,
    })
  for (const name of ['b', 'c']) must(await add(name))
  expect(errorOf(await add('d'))).toEqual(TOO_MANY)
  expect(errorOf(await alice.post('/createRoom', { room_alias_name: `q${names}e` }))).toEqual(TOO_MANY)
  const alias = encodeURIComponent(`#q${names}b:${server.serverName}`)
  must(await alice.delete(`/directory/room/${alias}`))
  must(await add('d'))
})

it('rooms are limited in number, and those left or replaced still count', async () => {
  const alice = await person()
  const room = await alice.createRoom()
  must(await alice.post(`/rooms/${room}/leave`))
  const old = await alice.createRoom()
  must(await alice.post(`/rooms/${old}/upgrade`, { new_version: '12' }))
  await alice.createRoom()
  expect(errorOf(await alice.post('/createRoom', {}))).toEqual(TOO_MANY)
  const bob = await person()
  must(await alice.join(await bob.createRoom({ preset: 'public_chat' })))
})

it('a room counts once, also if the count was lost on its way or an upgrade is asked for again', async () => {
  const alice = await person()
  await planFault(http, 'reset:user.makeRoom')
  const room = await alice.createRoom()
  await passed(http, 'reset:user.makeRoom')
  const upgrade = () => alice.post(`/rooms/${encodeURIComponent(room)}/upgrade`, { new_version: '12' })
  const replacement = must(await upgrade()).body.replacement_room
  expect(must(await upgrade()).body.replacement_room).toBe(replacement)
  await alice.createRoom()
  await alice.createRoom()
  expect(errorOf(await alice.post('/createRoom'))).toEqual(TOO_MANY)
})

it('an upgrade that is refused counts as no room', async () => {
  const [alice, bob] = [await person(), await person()]
  const room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
  const upgrade = (client: Client, roomId: string, new_version: string) =>
    client.post(`/rooms/${encodeURIComponent(roomId)}/upgrade`, { new_version })
  for (const version of ['12', '11', '10', '9'])
    expect(errorOf(await upgrade(bob, room, version))).toEqual([403, 'M_FORBIDDEN'])
  for (const version of ['99', '98', '97'])
    expect(errorOf(await upgrade(bob, room, version))[0]).toBeGreaterThanOrEqual(400)
  expect((await upgrade(bob, `!nobody:${server.serverName}`, '12')).status).toBe(404)
  for (let made = 0; made < 3; made += 1) await bob.createRoom()
}, 60_000)

describe('a backup of room keys', () => {
  const key = (length: number) => ({
    first_message_index: 0,
    forwarded_count: 0,
    is_verified: false,
    session_data: text(length),
  })
  const put = (client: Client, version: string, session: string, length: number, verified = false) =>
    client.put(`/room_keys/keys/!r:${server.serverName}/${session}?version=${version}`, {
      ...key(length),
      is_verified: verified,
    })
  const make = async (client: Client): Promise<string> =>
    must(await client.post('/room_keys/version', { algorithm: 'm.test', auth_data: {} })).body.version

  it('is limited in size over all versions, and has space again when keys or versions go', async () => {
    const alice = await person()
    const first = await make(alice)
    must(await put(alice, first, 'a', 4_000))
    const second = await make(alice)
    must(await put(alice, second, 'b', 4_000))
    expect(errorOf(await put(alice, second, 'c', 4_000))).toEqual(TOO_LARGE)
    // A better one in the place of another counts for the difference.
    must(await put(alice, second, 'b', 4_100, true))
    must(await alice.delete(`/room_keys/keys/!r:${server.serverName}/b?version=${second}`))
    must(await put(alice, second, 'c', 4_000))
    expect(errorOf(await put(alice, second, 'd', 4_000))).toEqual(TOO_LARGE)
    must(await alice.delete(`/room_keys/version/${first}`))
    must(await put(alice, second, 'd', 4_000))
  })

  it('counts many small keys by more than what they hold', async () => {
    const alice = await person()
    const version = await make(alice)
    const some = (from: number, n: number) =>
      Object.fromEntries(Array.from({ length: n }, (_, i) => [`${from + i}`.padStart(250, 's'), key(0)]))
    const putAll = (sessions: unknown) =>
      alice.put(`/room_keys/keys/!r:${server.serverName}?version=${version}`, { sessions })
    must(await putAll(some(0, 20)))
    expect(errorOf(await putAll(some(20, 20)))).toEqual(TOO_LARGE)
    expect(must(await alice.get('/room_keys/version')).body).toMatchObject({ etag: '1', count: 20 })
    must(await alice.delete(`/room_keys/keys?version=${version}`))
    must(await putAll(some(20, 20)))
  })

  it('has at most a hundred versions that are not deleted', async () => {
    const alice = await person()
    const versions: string[] = []
    for (let n = 0; n < 100; n += 1) versions.push(await make(alice))
    const more = { algorithm: 'm.test', auth_data: {} }
    expect(errorOf(await alice.post('/room_keys/version', more))).toEqual(TOO_MANY)
    must(await alice.delete(`/room_keys/version/${versions[0]}`))
    await make(alice)
  })
})
