/** Tokens of pages, taken apart and forged: a bad one is a bad request, and never a fault of the server. */
import { Buffer } from 'node:buffer'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Body, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { alice, bob } = serving(['alice', 'bob'])
let roomId: string
let eventId: string

beforeAll(async () => {
  roomId = await alice.createRoom({ preset: 'public_chat', visibility: 'public', name: 'haystack one' })
  await alice.createRoom({ preset: 'public_chat', visibility: 'public', name: 'haystack two' })
  must(await bob.join(roomId))
  eventId = await bob.say(roomId, 'alice: a needle here')
  await bob.say(roomId, 'alice: a needle there')
})

const room = (rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`
const v1 = (path: string) => `/_matrix/client/v1${path}`
const needle = { search_categories: { room_events: { search_term: 'needle', filter: { limit: 1 } } } }

interface Listing {
  /** Asks for a page. */
  ask: (token?: string) => Promise<Answer>
  /** Where the answer has its token; absent: it has none to take apart. */
  next?: (body: Body) => string | undefined
}

const LISTINGS: Record<string, Listing> = {
  'GET /publicRooms': {
    ask: (since) => alice.get('/publicRooms', { since, limit: 1 }),
    next: (body) => body.next_batch,
  },
  'POST /publicRooms': {
    ask: (since) => alice.post('/publicRooms', { since, limit: 1 }),
    next: (body) => body.next_batch,
  },
  'POST /search by rank': {
    ask: (token) => alice.post(`/search${query('next_batch', token)}`, needle),
    next: (body) => body.search_categories.room_events.next_batch,
  },
  'GET /notifications': {
    ask: (from) => alice.get('/notifications', { from, limit: 1 }),
    next: (body) => body.next_token,
  },
  'GET /hierarchy': { ask: (from) => alice.get(v1(room('/hierarchy')), { from }) },
  'GET /mutual_rooms': {
    ask: (from) => alice.get(v1('/mutual_rooms'), { user_id: bob.userId, from }),
  },
  'GET /messages from': { ask: (from) => alice.get(room('/messages'), { dir: 'b', from }) },
  'GET /messages to': { ask: (to) => alice.get(room('/messages'), { dir: 'b', to }) },
  'GET /members': { ask: (at) => alice.get(room('/members'), { at }) },
  'GET /relations': {
    ask: (from) => alice.get(v1(room(`/relations/${encodeURIComponent(eventId)}`)), { from }),
  },
  'GET /threads': { ask: (from) => alice.get(v1(room('/threads')), { from }) },
  'GET /sync': { ask: (since) => alice.sync({ since }) },
  'GET /events': { ask: (from) => alice.get('/events', { from, timeout: 0 }) },
  'GET /keys/changes': { ask: (from = '') => alice.get('/keys/changes', { from, to: from }) },
}

const query = (name: string, value: string | undefined) =>
  value === undefined ? '' : `?${name}=${encodeURIComponent(value)}`
const encoded = (place: unknown) => Buffer.from(JSON.stringify(place)).toString('base64url')
const decoded = (token: string) => JSON.parse(Buffer.from(token, 'base64url').toString())

const NUL = String.fromCharCode(0)
/** What no list ever wrote. */
const RUBBISH: unknown[] = [
  null,
  true,
  -1,
  0.5,
  1e-300,
  1e300,
  2 ** 31,
  2 ** 53,
  9e15,
  '',
  NUL,
  `!a${NUL}:b`,
  '\ud800',
  'x'.repeat(5000),
  [],
  {},
  [[]],
  ['after', 2 ** 31, '!a:b'],
  ['after', -(2 ** 31), '!a:b'],
  ['before', 1, NUL],
  `!${NUL}:test.example`,
]
const TEXTS = [
  'x',
  '-',
  '%',
  'p',
  'p1',
  'p-999999999999999',
  'p99999999999999999999',
  's1.1.1',
  's',
  's999999999999999.999999999999999.999999999999999~1:999999999999999',
  't1-1_0',
  NUL,
  'x'.repeat(5000),
]

/** The value with each of its leaves replaced in turn. */
function* forged(value: unknown): Generator<unknown> {
  for (const bad of RUBBISH) yield bad
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) {
    for (const bad of forged(member)) {
      yield Array.isArray(value) ? value.toSpliced(Number(key), 1, bad) : { ...value, [key]: bad }
    }
  }
}

describe.each(Object.entries(LISTINGS))('%s', (_, { ask, next }) => {
  it('answers rubbish as a bad request, or as a place at the end', async () => {
    for (const token of [...TEXTS, ...RUBBISH.map(encoded)]) {
      const { status } = await ask(token)
      expect([200, 400], JSON.stringify(token)).toContain(status)
    }
  })

  it.runIf(next !== undefined)('takes only tokens that it gave', async () => {
    await expect.poll(async () => next?.(must(await ask()).body), { timeout: 10_000 }).toBeTypeOf('string')
    const token = next?.(must(await ask()).body) ?? ''
    must(await ask(token))
    for (const place of forged(decoded(token))) {
      const { status } = await ask(encoded(place))
      expect([200, 400], JSON.stringify(place)).toContain(status)
    }
  })
})
