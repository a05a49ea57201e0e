/** No object is made by asking for it: invented rooms, users and delayed events leave no database behind. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { type Answer, type Body, must } from '../support/client.ts'
import { rowAt } from '../support/routes.ts'
import { serving } from '../support/serving.ts'

const { server, http, alice } = serving(['alice'], { federation: 'on' })
let invented = 0

/** The databases of one kind of object. */
function databases(kind: 'Room' | 'User'): string[] {
  const files = readdirSync(join(server.folder, 'objects'), { recursive: true, encoding: 'utf8' })
  return files.filter((name) => name.includes(`-${kind}/`) && /[0-9a-f]{64}\.sqlite$/.test(name))
}

const newUser = () => `@nobody${invented++}:test.example`
const ROOMS = [
  () => `!nowhere${invented++}:test.example`,
  () => `!elsewhere${invented++}:other.example`,
  () => `!${`${invented++}`.padStart(43, 'A')}`,
]
const EVENT = `$${'e'.repeat(43)}`

/** What stands in the place of each parameter; the rest is any word. */
const PARAMS: Record<string, (room: string) => string> = {
  ':roomId': (room) => room,
  ':room': (room) => room,
  ':roomIdOrAlias': (room) => room,
  ':userId': newUser,
  ':eventId': () => EVENT,
  ':receiptType': () => 'm.read',
  ':relType': () => 'm.annotation',
  ':delayId': (room) => `${'s'.repeat(24)}.${Buffer.from(room).toString('base64url')}`,
  ':alias': () => `#nowhere${invented++}:test.example`,
}

/** A body in which most endpoints find what they want. */
const bodyFor = (room: string): Body => ({
  user_id: newUser(),
  room_id: room,
  new_version: '11',
  reason: '',
  typing: true,
  timeout: 1,
  visibility: 'public',
  action: 'send',
  delay_ms: 1000,
  content: {},
  msgtype: 'm.text',
  body: 'text',
})

/** By a path that the compiler does not follow: the Workers' types are not Node's. */
const { app } = (await import(join(projectRoot, 'workers', 'app.ts'))) as {
  app: { routes: { method: string; path: string }[] }
}
const named = app.routes
  .filter(({ method, path }) => method !== 'ALL' && path.includes(':') && !path.startsWith('/_selvedge/test'))
  .map(({ method, path }) => `${method} ${path}`)
const routes = [...new Set(named)].map((route) => route.split(' ') as [string, string])

function requestTo(path: string, room: string, own: boolean): string {
  return path.replace(/:[A-Za-z]+(\{[^}]*\})?/g, (name, choice?: string) => {
    const value = own && name === ':userId' ? alice.userId : PARAMS[name]?.(room)
    return encodeURIComponent(value ?? choice?.slice(1, -1).split('|')[0] ?? 'm.word')
  })
}

async function ask(method: string, path: string, room: string, token?: string): Promise<Answer> {
  const body = method === 'GET' ? undefined : bodyFor(room)
  const query = { dir: 'b', ts: 1, timeout: 0 }
  const url = new URL(path, server.url)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, `${value}`)
  const answer = await fetch(url, {
    method,
    headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
    body: body && JSON.stringify(body),
  })
  const text = await answer.text()
  return {
    status: answer.status,
    body: text.startsWith('{') ? JSON.parse(text) : {},
    headers: answer.headers,
  }
}

/** What is said of a name that nobody has, or that has the wrong form. */
const NO_SUCH = ['404 M_NOT_FOUND', '400 M_INVALID_PARAM']
/** What else is said to somebody who has a token; the last asks for interactive auth. */
const REFUSED = [
  ...NO_SUCH,
  ...['400 M_MISSING_PARAM', '400 M_UNRECOGNIZED', '401 M_UNKNOWN_TOKEN', '403 M_FORBIDDEN', '401'],
]

/** A room whose id has the name of another server is asked for there, and there is no such server. */
const ASKED_ELSEWHERE = '502 M_UNKNOWN'

/** Only requests about oneself succeed, and nobody without a token is told more than that there is no such name. */
function rightAnswers(
  method: string,
  path: string,
  { own, token }: { own: boolean; token: string | undefined },
): string[] {
  const auth = rowAt(method, path)?.auth
  if (auth === 'server') return ['401 M_UNAUTHORIZED']
  // The answer has all keys.
  if (path === '/_matrix/key/v2/server/:keyId') return ['200']
  if (token === undefined) return auth === 'none' || auth === 'optional' ? NO_SUCH : ['401 M_MISSING_TOKEN']
  if (/\/(join|knock)\b/.test(path)) return [...REFUSED, ASKED_ELSEWHERE]
  return own && path.includes(':userId') ? ['200', ...REFUSED] : REFUSED
}

const inWords = ({ status, body }: Answer) => [status, body.errcode].filter(Boolean).join(' ')

describe('every route with a parameter', () => {
  it.each(routes)('%s %s makes no object for the names in it', async (method, path) => {
    const before = [databases('Room'), databases('User')]
    for (const newRoom of ROOMS) {
      const ways = [
        [true, alice.token],
        [false, alice.token],
        [false, undefined],
      ] as const
      for (const [own, token] of ways) {
        const room = newRoom()
        const answer = await ask(method, requestTo(path, room, own), room, token)
        expect(rightAnswers(method, path, { own, token })).toContain(inWords(answer))
      }
    }
    expect([databases('Room'), databases('User')]).toEqual(before)
  })
})

it.each(ROOMS)(
  'a room that is not there is answered as one that the asker is not in: %#',
  async (newRoom) => {
    const bob = await http.register(`bob${invented++}`)
    const hidden = await alice.createRoom()
    for (const rest of ['messages?dir=b', 'initialSync', 'state', 'state/m.room.name']) {
      const refusals = [hidden, newRoom()].map((room) =>
        bob.get(`/rooms/${encodeURIComponent(room)}/${rest}`),
      )
      const [ofHidden, ofInvented] = await Promise.all(refusals)
      expect([rest, ofInvented!.status, ofInvented!.body]).toEqual([rest, 403, ofHidden!.body])
    }
  },
)

describe('a storm of invented names', () => {
  const names = Array.from({ length: 600 }, newUser)
  const each = <T>(value: T): Record<string, T> => Object.fromEntries(names.map((name) => [name, value]))

  const expectNoObjects = async (work: () => Promise<unknown>): Promise<void> => {
    const before = [databases('Room'), databases('User')]
    await work()
    expect([databases('Room'), databases('User')]).toEqual(before)
  }
  const calls = async (): Promise<Record<string, number>> =>
    must(await http.request('GET', '/_selvedge/test/calls')).body

  it('in /keys/query is one question to Postgres, and asks no object', async () => {
    const questions = async (): Promise<number> => {
      const before = await calls()
      const { body } = must(await alice.post('/keys/query', { device_keys: each([]) }))
      const after = await calls()
      expect(Object.keys(body.device_keys)).toHaveLength(600)
      expect(body.failures).toEqual({})
      expect((after['user.publicKeys'] ?? 0) - (before['user.publicKeys'] ?? 0)).toBe(0)
      return (after.postgres ?? 0) - (before.postgres ?? 0)
    }
    // A batch of the archive may leave meanwhile.
    await expectNoObjects(() => expect.poll(questions).toBe(1))
  })

  it('in /keys/claim makes no object', () =>
    expectNoObjects(async () => {
      const claim = { one_time_keys: each({ DEVICE: 'signed_curve25519' }) }
      expect(must(await alice.post('/keys/claim', claim)).body).toEqual({ one_time_keys: {}, failures: {} })
    }))

  it('in to-device messages makes no object, and is no failure', () =>
    expectNoObjects(async () => {
      must(await alice.put('/sendToDevice/m.test/storm', { messages: each({ '*': {} }) }))
      await until(async () => (await server.sql('USER', userObject(), 'SELECT 1 FROM outbox')).length === 0)
    }))

  it('in signatures makes no object', () =>
    expectNoObjects(async () => {
      const signed = Object.fromEntries(names.slice(0, 50).map((name) => [name, { KEY: { keys: {} } }]))
      const { body } = must(await alice.post('/keys/signatures/upload', signed))
      expect(Object.keys(body.failures)).toHaveLength(50)
    }))

  it('in the invites of a new room invites nobody', async () => {
    const users = databases('User')
    const roomId = await alice.createRoom({ invite: names })
    const { body } = must(await alice.get(`/rooms/${encodeURIComponent(roomId)}/members`))
    expect(body.chunk).toHaveLength(1)
    expect(databases('User')).toEqual(users)
  })

  it.each(['invite', 'ban', 'leave', 'knock', 'join'])(
    'in member events of %s makes nobody',
    async (membership) => {
      const roomId = await alice.createRoom()
      await expectNoObjects(async () => {
        for (const name of names.slice(0, 5)) {
          const room = `/rooms/${encodeURIComponent(roomId)}`
          await alice.put(`${room}/state/m.room.member/${encodeURIComponent(name)}`, { membership })
          for (const action of ['invite', 'ban', 'unban', 'kick']) {
            await alice.post(`${room}/${action}`, { user_id: name })
          }
        }
      })
    },
  )

  it('of users that were banned makes no object when the members sync', async () => {
    const roomId = await alice.createRoom()
    const { next_batch: since } = must(await alice.sync()).body
    for (const name of names.slice(0, 5)) {
      must(await alice.post(`/rooms/${encodeURIComponent(roomId)}/ban`, { user_id: name }))
    }
    await expectNoObjects(async () => {
      const { body } = must(await alice.sync({ since }))
      expect(body.rooms.join[roomId].timeline.events).toHaveLength(5)
      expect(body.device_lists?.left ?? []).toEqual([])
    })
  })

  it('of rooms in a space makes none of them', async () => {
    const space = await alice.createRoom({ creation_content: { type: 'm.space' } })
    const path = (room: string) =>
      `/rooms/${encodeURIComponent(space)}/state/m.space.child/${encodeURIComponent(room)}`
    for (const newRoom of ROOMS) must(await alice.put(path(newRoom()), { via: ['test.example'] }))
    await expectNoObjects(async () => {
      const hierarchy = `/_matrix/client/v1/rooms/${encodeURIComponent(space)}/hierarchy`
      const { body } = await ask('GET', hierarchy, '', alice.token)
      expect(body.rooms).toHaveLength(1)
    })
  })

  it('of rooms that vouch for a join makes none of them', async () => {
    const allow = ROOMS.map((newRoom) => ({ type: 'm.room_membership', room_id: newRoom() }))
    const content = { join_rule: 'restricted', allow }
    const roomId = await alice.createRoom({
      initial_state: [{ type: 'm.room.join_rules', state_key: '', content }],
    })
    const bob = await http.register('bob')
    await expectNoObjects(async () => {
      expect((await bob.join(roomId)).status).toBe(403)
    })
  })

  it('of a room before it makes none', async () => {
    const predecessor = { room_id: ROOMS[0]!(), event_id: EVENT }
    const rooms = databases('Room')
    await alice.createRoom({ creation_content: { predecessor } })
    expect(databases('Room')).toHaveLength(rooms.length + 1)
  })

  it('of tags and settings of rooms makes none of them', () =>
    expectNoObjects(async () => {
      for (const newRoom of ROOMS) {
        const own = `/user/${encodeURIComponent(alice.userId)}/rooms/${encodeURIComponent(newRoom())}`
        must(await alice.put(`${own}/tags/m.favourite`, {}))
        must(await alice.put(`${own}/account_data/org.example`, {}))
      }
      must(await alice.sync())
    }))

  it('of delayed events, with or without a token, asks no object', () =>
    expectNoObjects(async () => {
      const before = await calls()
      for (const newRoom of ROOMS) {
        const room = Buffer.from(newRoom()).toString('base64url')
        for (const id of [
          `secret.${room}`,
          `secret.${room}.${'A'.repeat(22)}`,
          'secret',
          'a..b',
          `.${room}.`,
        ]) {
          const path = `/_matrix/client/unstable/org.matrix.msc4140/delayed_events/${id}`
          expect((await ask('POST', `${path}/send`, '')).body.errcode).toBe('M_NOT_FOUND')
        }
      }
      const after = await calls()
      const moved = Object.keys(after).filter((name) => after[name] !== before[name])
      expect(moved.filter((name) => /^(room|user)\.(?!rows)/.test(name))).toEqual([])
    }))

  const userObject = () => `test.example/user/${alice.userId}`
  const until = (isDone: () => Promise<boolean>) => expect.poll(isDone, { timeout: 10_000 }).toBe(true)
})
