/** Requests of a server that are malformed, too large, or ask for what is not theirs: what each is answered. */
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { canonicalJson, type JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { makeXMatrix } from '../../../src/protocol/federation/x-matrix.ts'
import { type Body, must } from '../../support/client.ts'
import { type Guest, guest } from '../../support/federation/guest.ts'
import { federating, remote } from '../../support/federation/remote.ts'
import { serving } from '../../support/serving.ts'

const V1 = '/_matrix/federation/v1'
const other = remote()
const { http, server, alice } = serving(['alice'], federating)
const enc = encodeURIComponent

let bob: Guest & { roomId: string }
let saidElsewhere: string
beforeAll(async () => {
  const roomId = await alice.createRoom({ room_version: '11', preset: 'public_chat' })
  bob = { ...guest('bob', { http, host: alice, server: other, roomId, version: '11' }), roomId }
  await bob.join()
  const elsewhere = await alice.createRoom({ room_version: '11', preset: 'public_chat' })
  saidElsewhere = await alice.say(elsewhere, 'of another room')
  for (let n = 0; n < 30; n++) await alice.say(roomId, `${n}`)
})

const room = () => enc(bob.roomId)
const odd = `$${'o'.repeat(43)}`
const many = (count: number) => Array.from({ length: count }, (_, n) => `$${`${n}`.padStart(43, 'v')}`)
const refused: [number, string] = [400, 'M_INVALID_PARAM']

const REQUESTS: [string, string, () => string, Body | undefined, [number, string]][] = [
  ['a path that nobody has', 'GET', () => `${V1}/nothing`, undefined, [404, 'M_UNRECOGNIZED']],
  ['a transaction by GET', 'GET', () => `${V1}/send/1`, undefined, [405, 'M_UNRECOGNIZED']],
  ['a state by POST', 'POST', () => `${V1}/state_ids/${room()}`, {}, [405, 'M_UNRECOGNIZED']],
  [
    'missing events by GET',
    'GET',
    () => `${V1}/get_missing_events/${room()}`,
    undefined,
    [405, 'M_UNRECOGNIZED'],
  ],
  [
    'the state before an event of another room',
    'GET',
    () => `${V1}/state_ids/${room()}?event_id=${enc(saidElsewhere)}`,
    undefined,
    [404, 'M_NOT_FOUND'],
  ],
  [
    'the auth chain of an event of another room',
    'GET',
    () => `${V1}/event_auth/${room()}/${enc(saidElsewhere)}`,
    undefined,
    [404, 'M_NOT_FOUND'],
  ],
  [
    'history behind thousands of events',
    'GET',
    () =>
      `${V1}/backfill/${room()}?limit=1&${many(101)
        .map((id) => `v=${enc(id)}`)
        .join('&')}`,
    undefined,
    refused,
  ],
  [
    'history of a length that is no number',
    'GET',
    () => `${V1}/backfill/${room()}?v=${enc(odd)}&limit=x`,
    undefined,
    refused,
  ],
  [
    'missing events up to thousands',
    'POST',
    () => `${V1}/get_missing_events/${room()}`,
    { earliest_events: [], latest_events: many(101) },
    [400, 'M_BAD_JSON'],
  ],
  [
    'a template of versions that the room has not',
    'GET',
    () => `${V1}/make_join/${room()}/${enc(`@eve:${other.name}`)}?ver=1&ver=2&ver=99`,
    undefined,
    [400, 'M_INCOMPATIBLE_ROOM_VERSION'],
  ],
  ['a transaction without events', 'PUT', () => `${V1}/send/none`, {}, [400, 'M_MISSING_PARAM']],
  ['a transaction of a list', 'PUT', () => `${V1}/send/list`, [] as never, [400, 'M_BAD_JSON']],
]

describe('what asks for', () => {
  it.each(REQUESTS)('%s is refused', async (_, method, uri, body, expected) => {
    const { status, body: answer } = await other.ask(http, method, uri(), body)
    expect([status, answer.errcode]).toEqual(expected)
  })

  it.each<[string, () => string, Body | undefined, string, number]>([
    ['backfill', () => `${V1}/backfill/${room()}?limit=1000000000&v=`, undefined, 'pdus', 100],
    [
      'get_missing_events',
      () => `${V1}/get_missing_events/${room()}`,
      { limit: 1_000_000_000 },
      'events',
      20,
    ],
  ])('very much by %s gets as much as others do', async (_, uri, more, list, most) => {
    const newest = await alice.say(bob.roomId, 'newest')
    const { body } = must(
      more === undefined
        ? await other.ask(http, 'GET', uri() + enc(newest))
        : await other.ask(http, 'POST', uri(), {
            earliest_events: [],
            latest_events: [newest, newest],
            ...more,
          }),
    )
    expect(body[list].length).toBeGreaterThan(10)
    expect(body[list].length).toBeLessThanOrEqual(most)
  })
})

/** A transaction as it stands on the wire. @param content what its signature is of */
async function wire(
  body: string | Uint8Array<ArrayBuffer>,
  content: JsonObject = { pdus: [] },
  headers: Record<string, string> = {},
): Promise<[number, string | undefined]> {
  const uri = `${V1}/send/wire`
  const signed = { method: 'PUT', uri, destination: 'test.example', content: canonicalJson(content, 'any') }
  const authorization = makeXMatrix(other.name, signed, other.key)
  const answer = await fetch(new URL(uri, server.url), {
    method: 'PUT',
    body,
    headers: { authorization, 'content-type': 'application/json', ...headers },
  })
  return [answer.status, ((await answer.json()) as Body).errcode]
}

describe('a body that', () => {
  const gzip = { 'content-encoding': 'gzip' }
  const nested = `${'['.repeat(300)}${']'.repeat(300)}`

  it.each<[string, () => Promise<[number, string | undefined]>, [number, string]]>([
    ['is no JSON', () => wire('{"pdus":'), [400, 'M_NOT_JSON']],
    ['is no UTF-8', () => wire(new Uint8Array([0x7b, 0xff, 0x7d])), [400, 'M_NOT_JSON']],
    ['is missing', () => wire(''), [401, 'M_UNAUTHORIZED']],
    ['is nested too deeply', () => wire(`{"pdus":[],"x":${nested}}`), [400, 'M_BAD_JSON']],
    [
      'is packed',
      () => wire(gzipSync('{"pdus":[]}') as Uint8Array<ArrayBuffer>, { pdus: [] }, gzip),
      [400, 'M_NOT_JSON'],
    ],
    [
      'says one thing twice, and was signed with the first',
      () => wire('{"pdus":[],"pdus":[1]}'),
      [401, 'M_UNAUTHORIZED'],
    ],
  ])('%s is refused', async (_, send, expected) => {
    expect(await send()).toEqual(expected)
  })

  it('is of another type, and JSON all the same, is taken', async () => {
    expect(await wire('{"pdus":[]}', { pdus: [] }, { 'content-type': 'text/plain' })).toEqual([
      200,
      undefined,
    ])
  })

  it.each<[string, JsonObject[]]>([
    ['EDUs that nobody knows', [{ edu_type: 'org.example.odd', content: {} }]],
    [
      'events in the place of EDUs',
      [{ edu_type: 'm.room.message', content: { room_id: '!a:b', sender: '@alice:test.example' } }],
    ],
    [
      'EDUs of what is no content',
      [{ edu_type: 'm.typing', content: { room_id: 5, user_id: {}, typing: 'x' } }],
    ],
  ])('has %s is answered, and changes nothing', async (_, edus) => {
    const newest = async () =>
      must(await alice.get(`/rooms/${room()}/messages`, { dir: 'b', limit: 3 })).body.chunk.map(
        ({ event_id }: Body) => event_id,
      )
    const before = await newest()
    const content = { pdus: [], edus }
    expect(await wire(JSON.stringify(content), content)).toEqual([200, undefined])
    expect(await newest()).toEqual(before)
  })
})
