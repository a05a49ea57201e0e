/** The backup of room keys: versions, which key is kept, and what is told of it. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const ALGORITHM = 'm.megolm_backup.v1.curve25519-aes-sha2'
const ROOM = '!room:test.example'

const { server, http } = serving()
let alice: Client
let version: string
let names = 0
beforeEach(async () => {
  names += 1
  alice = await http.register(`alice${names}`)
  version = await begin()
})

async function begin(): Promise<string> {
  const body = { algorithm: ALGORITHM, auth_data: { public_key: 'abc' } }
  return must(await alice.post('/room_keys/version', body)).body.version
}

const keyOf = (n: number, more: Body = {}): Body => ({
  first_message_index: 5,
  forwarded_count: 2,
  is_verified: false,
  session_data: { ciphertext: `key ${n}` },
  ...more,
})
const path = (...parts: string[]) =>
  ['/room_keys/keys', ...parts.map(encodeURIComponent)].join('/').concat(`?version=${version}`)
const put = (body: Body, ...parts: string[]) => alice.put(path(...parts), body)
const get = (...parts: string[]) => alice.get(path(...parts))
const errorOf = ({ status, body }: { status: number; body: Body }) => [status, body.errcode]

describe('a version', () => {
  it('is current from its beginning, and tells how many keys it has', async () => {
    const { body } = must(await alice.get('/room_keys/version'))
    expect(body).toEqual({
      algorithm: ALGORITHM,
      auth_data: { public_key: 'abc' },
      version,
      etag: '0',
      count: 0,
    })
    expect(must(await alice.get(`/room_keys/version/${version}`)).body).toEqual(body)
  })

  it('accepts new auth data, but no other algorithm or version', async () => {
    const auth_data = { public_key: 'def' }
    const change = (body: Body) => alice.put(`/room_keys/version/${version}`, body)
    must(await change({ algorithm: ALGORITHM, auth_data, version }))
    expect(must(await alice.get('/room_keys/version')).body.auth_data).toEqual(auth_data)
    expect(errorOf(await change({ algorithm: 'other', auth_data }))).toEqual([400, 'M_INVALID_PARAM'])
    expect(errorOf(await change({ algorithm: ALGORITHM, auth_data, version: '99' }))).toEqual([
      400,
      'M_INVALID_PARAM',
    ])
  })

  it('of an unknown algorithm is stored as it is', async () => {
    const client = await http.register('other-backup')
    const body = { algorithm: 'org.example.backup', auth_data: { what: ['ever'] } }
    const { version } = must(await client.post('/room_keys/version', body)).body
    expect(must(await client.get('/room_keys/version')).body).toEqual({
      ...body,
      version,
      etag: '0',
      count: 0,
    })
  })

  it('that is deleted loses its keys, and its number is never given again', async () => {
    must(await put(keyOf(1), ROOM, 's1'))
    const newer = await begin()
    must(await alice.delete(`/room_keys/version/${newer}`))
    must(await alice.delete(`/room_keys/version/${newer}`))
    expect(must(await alice.get('/room_keys/version')).body).toMatchObject({ version, count: 1 })
    expect(errorOf(await alice.get(`/room_keys/version/${newer}`))).toEqual([404, 'M_NOT_FOUND'])
    expect(await begin()).not.toBe(newer)
    must(await alice.delete(`/room_keys/version/${version}`))
    expect(errorOf(await get())).toEqual([404, 'M_NOT_FOUND'])
  })

  it.each(['nonsense', '77', '0', '-1'])('%s was never made', async (other) => {
    expect(errorOf(await alice.get(`/room_keys/version/${other}`))).toEqual([404, 'M_NOT_FOUND'])
    expect(errorOf(await alice.delete(`/room_keys/version/${other}`))).toEqual([404, 'M_NOT_FOUND'])
  })

  it('of another user is not seen', async () => {
    const bob = await http.register(`bob${names}`)
    expect(errorOf(await bob.get('/room_keys/version'))).toEqual([404, 'M_NOT_FOUND'])
    expect(errorOf(await bob.get(path()))).toEqual([404, 'M_NOT_FOUND'])
  })
})

describe.each(['v3', 'r0', 'unstable'])('under %s', (prefix) => {
  it('a version is made, filled, read and deleted', async () => {
    const at = (rest: string) => `/_matrix/client/${prefix}/room_keys${rest}`
    const ask = (method: string, rest: string, body?: Body) =>
      http.request(method, at(rest), body, { token: alice.token })
    const begun = must(await ask('POST', '/version', { algorithm: ALGORITHM, auth_data: {} })).body.version
    const one = `/keys/${encodeURIComponent(ROOM)}/s1?version=${begun}`
    expect(must(await ask('PUT', one, keyOf(1))).body).toEqual({ etag: '1', count: 1 })
    expect(must(await ask('GET', one)).body).toEqual(keyOf(1))
    must(await ask('DELETE', one))
    must(await ask('DELETE', `/version/${begun}`))
    expect(errorOf(await ask('GET', `/version/${begun}`))).toEqual([404, 'M_NOT_FOUND'])
  })
})

describe('keys', () => {
  it('that are verified are not replaced by unverified ones', async () => {
    must(await put(keyOf(1, { is_verified: true }), ROOM, 's1'))
    const { body } = must(await put(keyOf(2, { first_message_index: 0, forwarded_count: 0 }), ROOM, 's1'))
    expect(body).toEqual({ etag: '1', count: 1 })
    expect(must(await get(ROOM, 's1')).body).toEqual(keyOf(1, { is_verified: true }))
  })

  it('come back as they were put: one, of a room, of all rooms', async () => {
    expect(must(await put(keyOf(1), ROOM, 's1')).body).toEqual({ etag: '1', count: 1 })
    must(await put({ sessions: { s2: keyOf(2, { extra: 'kept' }) } }, ROOM))
    const other = '!other:test.example'
    expect(must(await put({ rooms: { [other]: { sessions: { s3: keyOf(3) } } } })).body).toEqual({
      etag: '3',
      count: 3,
    })
    expect(must(await get(ROOM, 's1')).body).toEqual(keyOf(1))
    const sessions = { s1: keyOf(1), s2: keyOf(2, { extra: 'kept' }) }
    expect(must(await get(ROOM)).body).toEqual({ sessions })
    expect(must(await get()).body).toEqual({
      rooms: { [ROOM]: { sessions }, [other]: { sessions: { s3: keyOf(3) } } },
    })
  })

  it('that do not exist give an empty answer, and a single one is not found', async () => {
    expect(must(await get()).body).toEqual({ rooms: {} })
    expect(must(await get(ROOM)).body).toEqual({ sessions: {} })
    expect(errorOf(await get(ROOM, 's1'))).toEqual([404, 'M_NOT_FOUND'])
  })

  const better = { first_message_index: 4, forwarded_count: 9, is_verified: false }
  it.each([
    ['that is verified', { is_verified: true, first_message_index: 9, forwarded_count: 9 }, true],
    ['with an earlier index', better, true],
    ['forwarded less often', { forwarded_count: 1 }, true],
    ['that is verified, where nothing else is worse', { is_verified: true }, true],
    ['that is the same', {}, false],
    ['with a later index', { first_message_index: 6, forwarded_count: 0 }, false],
    ['forwarded more often', { forwarded_count: 3 }, false],
  ])('%s: replaced by it is %j: %s', async (_, more, replaced) => {
    must(await put(keyOf(1), ROOM, 's1'))
    const { body } = must(await put(keyOf(2, more), ROOM, 's1'))
    expect(body).toEqual({ etag: replaced ? '2' : '1', count: 1 })
    expect(must(await get(ROOM, 's1')).body).toEqual(replaced ? keyOf(2, more) : keyOf(1))
  })

  it('are deleted one by one, by room, or all', async () => {
    must(await put({ sessions: { s1: keyOf(1), s2: keyOf(2), s3: keyOf(3) } }, ROOM))
    expect(must(await alice.delete(path(ROOM, 's1'))).body).toEqual({ etag: '2', count: 2 })
    expect(must(await alice.delete(path(ROOM, 's1'))).body).toEqual({ etag: '2', count: 2 })
    expect(must(await alice.delete(path(ROOM))).body).toEqual({ etag: '3', count: 0 })
    must(await put(keyOf(1), ROOM, 's1'))
    expect(must(await alice.delete(path())).body).toEqual({ etag: '5', count: 0 })
  })

  it('go only into the current version', async () => {
    const current = await begin()
    const answers = [
      await put(keyOf(1), ROOM, 's1'),
      await put({ sessions: { s1: keyOf(1) } }, ROOM),
      await put({ rooms: { [ROOM]: { sessions: { s1: keyOf(1) } } } }),
    ]
    for (const answer of answers) {
      expect(errorOf(answer)).toEqual([403, 'M_WRONG_ROOM_KEYS_VERSION'])
      expect(answer.body.current_version).toBe(current)
    }
    expect(must(await get()).body).toEqual({ rooms: {} })
  })

  it('are deleted from an older version too, and not from one that does not exist', async () => {
    must(await put({ sessions: { s1: keyOf(1), s2: keyOf(2) } }, ROOM))
    const newer = await begin()
    expect(must(await alice.delete(path(ROOM, 's1'))).body).toEqual({ etag: '2', count: 1 })
    expect(must(await get(ROOM)).body).toEqual({ sessions: { s2: keyOf(2) } })
    expect(must(await alice.get(`/room_keys/version/${newer}`)).body).toMatchObject({ etag: '0', count: 0 })
    expect(errorOf(await alice.delete('/room_keys/keys?version=99'))).toEqual([404, 'M_NOT_FOUND'])
    must(await alice.delete(`/room_keys/version/${version}`))
    expect(errorOf(await alice.delete(path()))).toEqual([404, 'M_NOT_FOUND'])
  })

  it('uploaded by many at once are counted once each, and the best of each session stays', async () => {
    const uploads = Array.from({ length: 20 }, (_, n) =>
      put({ sessions: { [`own${n}`]: keyOf(n), shared: keyOf(n, { first_message_index: n }) } }, ROOM),
    )
    const states = (await Promise.all(uploads)).map((answer) => must(answer).body)
    expect(new Set(states.map(({ etag }) => etag)).size).toBe(20)
    expect(must(await alice.get('/room_keys/version')).body).toMatchObject({ etag: '20', count: 21 })
    expect(must(await get(ROOM, 'shared')).body).toEqual(keyOf(0, { first_message_index: 0 }))
  })

  it('of 64 KiB are accepted, and a larger one is refused with all others in its request', async () => {
    const large = (length: number) => keyOf(1, { session_data: { ciphertext: 'x'.repeat(length) } })
    const frame = JSON.stringify(large(0)).length
    must(await put(large(65_536 - frame), ROOM, 's1'))
    const sessions = { s2: keyOf(2), s3: large(65_537 - frame) }
    expect(errorOf(await put({ sessions }, ROOM))).toEqual([413, 'M_TOO_LARGE'])
    expect(errorOf(await put({ sessions: { s3: large(65_536 - frame).session_data } }, ROOM))[0]).toBe(400)
    expect(must(await alice.get('/room_keys/version')).body).toMatchObject({ etag: '1', count: 1 })
    const auth_data = { public_key: 'x'.repeat(65_536) }
    const body = { algorithm: ALGORITHM, auth_data }
    expect(errorOf(await alice.post('/room_keys/version', body))).toEqual([413, 'M_TOO_LARGE'])
    expect(errorOf(await alice.put(`/room_keys/version/${version}`, body))).toEqual([413, 'M_TOO_LARGE'])
  })

  it('of any length go back and forth in calls of bounded size', async () => {
    // Each quote is escaped twice on its way: what the limiter of the tests refuses, this file's end reports.
    const quotes = (n: number) => keyOf(n, { session_data: { ciphertext: '"'.repeat(30_000) } })
    for (let batch = 0; batch < 3; batch += 1) {
      const sessions = Array.from({ length: 16 }, (_, n) => [`q${batch}-${n}`, quotes(n)])
      must(await put({ sessions: Object.fromEntries(sessions) }, ROOM))
    }
    const { sessions } = must(await get(ROOM)).body
    expect(Object.keys(sessions)).toHaveLength(48)
    expect(sessions['q2-15']).toEqual(quotes(15))
  })

  it('come back by the thousand, and after kill -9', async () => {
    for (let batch = 0; batch < 3; batch += 1) {
      const sessions = Array.from({ length: 700 }, (_, n) => [`s${batch}-${n}`, keyOf(n)])
      must(await put({ sessions: Object.fromEntries(sessions) }, ROOM))
    }
    await server.restart()
    const { body } = must(await get())
    expect(Object.keys(body.rooms[ROOM].sessions)).toHaveLength(2_100)
    expect(must(await alice.get('/room_keys/version')).body.count).toBe(2_100)
  })

  it.each([
    ['no version', '/room_keys/keys', { rooms: {} }, 'M_MISSING_PARAM'],
    ['no sessions', `/room_keys/keys/${ROOM}?version=1`, {}, 'M_MISSING_PARAM'],
    ['a room that is none', '/room_keys/keys/room?version=1', { sessions: {} }, 'M_INVALID_PARAM'],
    [
      'a key without its index',
      `/room_keys/keys/${ROOM}/s?version=1`,
      { forwarded_count: 1, is_verified: true, session_data: {} },
      'M_MISSING_PARAM',
    ],
    [
      'a negative index',
      `/room_keys/keys/${ROOM}/s?version=1`,
      keyOf(1, { first_message_index: -1 }),
      'M_INVALID_PARAM',
    ],
  ])('are refused with %s', async (_, at, body, errcode) => {
    expect(errorOf(await alice.put(at, body))).toEqual([400, errcode])
    expect(must(await get()).body).toEqual({ rooms: {} })
  })
})
