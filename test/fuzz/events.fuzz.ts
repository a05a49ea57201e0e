/** Events of another server that are signed as they should be, and odd in one part: what a room and its readers make of them. */
import { beforeAll, expect, it } from 'vitest'
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import { type Api, api, type Body, type Client, must } from '../support/client.ts'
import { makeTemplate, signedEvent, take } from '../support/federation/joiner.ts'
import { federating, remote } from '../support/federation/remote.ts'
import { oddly } from './odd-parts.ts'
import { type Random, seeded } from './random.ts'
import { requests, seed, watched } from './watched.ts'

const VERSIONS = ['5', '11', '12']
const A_TRANSACTION = 20

const other = remote()
const watch = watched({ ...federating, 'event-stream': 'on' })
const enc = encodeURIComponent
const bob = () => `@bob:${other.name}`

let http: Api
let alice: Client
beforeAll(async () => {
  http = api(watch.server)
  alice = await http.register('alice')
})

const levels = (version: string): JsonObject => ({
  users: version === '12' ? {} : { [alice.userId]: 100, [bob()]: 100 },
  events: { 'm.room.power_levels': 0 },
  ...{ users_default: 0, events_default: 0, state_default: 0, ban: 0, kick: 0, redact: 0, invite: 0 },
  notifications: { room: 50 },
})

/** What another server may say in a room: type, state key and content. */
function sayings(said: string, version: string): [string, string | undefined, JsonObject][] {
  const reply = { 'm.in_reply_to': { event_id: said } }
  const relation = (rel_type: string, more: JsonObject = {}) => ({
    'm.relates_to': { rel_type, event_id: said, ...more },
  })
  const message = { msgtype: 'm.text', body: 'x' }
  return [
    [
      'm.room.message',
      undefined,
      { ...message, ...relation('m.thread', reply), 'm.mentions': { user_ids: [alice.userId], room: true } },
    ],
    ['m.room.message', undefined, { ...message, ...relation('m.replace'), 'm.new_content': message }],
    ['m.reaction', undefined, relation('m.annotation', { key: 'k' })],
    ['m.room.redaction', undefined, { redacts: said, reason: 'x' }],
    ['m.room.topic', '', { topic: 'x', 'm.topic': { 'm.text': [{ body: 'x' }] } }],
    ['m.room.name', '', { name: 'x' }],
    ['m.room.avatar', '', { url: 'mxc://a/b', info: { w: 1 } }],
    ['m.room.canonical_alias', '', { alias: '#a:b', alt_aliases: ['#c:d'] }],
    ['m.room.pinned_events', '', { pinned: [said] }],
    ['m.room.server_acl', '', { allow: ['*'], deny: ['x'], allow_ip_literals: true }],
    ['m.room.history_visibility', '', { history_visibility: 'shared' }],
    ['m.room.guest_access', '', { guest_access: 'can_join' }],
    ['m.room.encryption', '', { algorithm: 'm.megolm.v1.aes-sha2', rotation_period_ms: 5 }],
    [
      'm.room.join_rules',
      '',
      { join_rule: 'public', allow: [{ type: 'm.room_membership', room_id: '!a:b' }] },
    ],
    ['m.room.tombstone', '', { body: 'x', replacement_room: '!x:y' }],
    ['m.space.child', '!x:y', { via: ['x'], order: 'a', suggested: true }],
    ['m.room.third_party_invite', 'token', { display_name: 'x', public_keys: [{ public_key: 'y' }] }],
    ['m.room.power_levels', '', levels(version)],
    ['m.room.member', bob(), { membership: 'join', displayname: 'x', avatar_url: 'mxc://a/b', reason: 'y' }],
    [
      'm.room.member',
      `@zoe:${other.name}`,
      {
        membership: 'invite',
        third_party_invite: { signed: { mxid: 'x', token: 'y', signatures: { a: { b: 'c' } } } },
      },
    ],
  ]
}

/** What readers ask of the room afterwards: all of it goes on. */
const LOOKS: ((room: string) => [method: string, path: string, body?: Body])[] = [
  (room) => ['GET', `/rooms/${room}/messages?dir=b&limit=${A_TRANSACTION}`],
  (room) => ['GET', `/rooms/${room}/state`],
  (room) => ['GET', `/rooms/${room}/members`],
  (room) => ['GET', `/rooms/${room}/initialSync`],
  (room) => ['GET', `/_matrix/client/v1/rooms/${room}/threads`],
  (room) => ['GET', `/_matrix/client/v1/room_summary/${room}`],
  (room) => ['GET', `/_matrix/client/v1/rooms/${room}/timestamp_to_event?ts=1&dir=f`],
  () => ['GET', '/sync'],
  () => ['GET', '/notifications'],
  () => [
    'POST',
    '/_matrix/client/v4/sync',
    { lists: { all: { range: [0, 9], timeline_limit: A_TRANSACTION, required_state: { include: [{}] } } } },
  ],
  (room) => ['POST', `/rooms/${room}/send/m.room.message`, { msgtype: 'm.text', body: 'still here' }],
]

class SharedRoom {
  readonly version: string
  #roomId = ''
  #said = ''

  constructor(version: string) {
    this.version = version
  }

  async make(): Promise<this> {
    const power = levels(this.version)
    this.#roomId = await alice.createRoom({
      room_version: this.version,
      preset: 'public_chat',
      power_level_content_override: power,
    })
    this.#said = await alice.say(this.#roomId, 'first')
    await take(other, http, { membership: 'join', roomId: this.#roomId, userId: bob() })
    return this
  }

  get id(): string {
    return enc(this.#roomId)
  }

  /** So many events, each odd in one part, after the newest of the room. */
  async oddEvents(random: Random): Promise<{ pdus: Body[]; what: string }> {
    // A template of a leave cites what any event of the user's cites.
    const asked = { membership: 'leave', roomId: this.#roomId, userId: bob() } as const
    const { event } = must(await makeTemplate(other, http, asked)).body
    const [type, stateKey, content] = random.pick(sayings(this.#said, this.version))
    const { state_key: _, ...rest } = event
    const draft = {
      ...rest,
      type,
      content,
      origin_server_ts: Date.now(),
      ...(stateKey !== undefined && { state_key: stateKey }),
    }
    const pdus: Body[] = []
    const done: string[] = []
    for (let tries = 0; tries < 2 * A_TRANSACTION && pdus.length < A_TRANSACTION; tries += 1) {
      const { value, what } = oddly(draft, random)
      try {
        pdus.push(signedEvent(other, value, this.version).pdu)
        done.push(what)
      } catch {
        // Nobody can sign it.
      }
    }
    return { pdus, what: `${type} of version ${this.version} = ${done.join('; ')}` }
  }
}

it(`go into the room or not, and nothing breaks: seed ${seed}`, async () => {
  const random = seeded(seed)
  const rooms = await Promise.all(VERSIONS.map((version) => new SharedRoom(version).make()))
  const rounds = Math.ceil(requests / (A_TRANSACTION + LOOKS.length))
  for (let round = 0; round < rounds; round += 1) {
    const room = random.pick(rooms)
    const { pdus, what } = await room.oddEvents(random)
    await watch.watch(what, async () => {
      const { status, body } = await other.ask(http, 'PUT', `/_matrix/federation/v1/send/${round}`, { pdus })
      expect(status, what).toBe(200)
      return { status, text: JSON.stringify(body) }
    })
    const statuses = await looks(room.id, what)
    // Senders that have left, or have lost their power, are refused from then on.
    if (statuses.some((status) => status !== 200)) await room.make()
  }
  watch.expectNone()
})

async function looks(roomId: string, what: string): Promise<number[]> {
  const statuses: number[] = []
  for (const look of LOOKS) {
    const [method, path, body] = look(roomId)
    await watch.watch(`${method} ${path} after ${what}`, async () => {
      const answer = await ask(method, path, body)
      statuses.push(answer.status)
      return answer
    })
  }
  const leaves = await makeTemplate(other, http, {
    membership: 'leave',
    roomId: decodeURIComponent(roomId),
    userId: bob(),
  })
  return [...statuses, leaves.status]
}

/** Past the judge of answers: what the room was told is no fault of the server. */
async function ask(method: string, path: string, body?: Body): Promise<{ status: number; text: string }> {
  const url = new URL(path.startsWith('/_') ? path : `/_matrix/client/v3${path}`, watch.server.url)
  const headers = { authorization: `Bearer ${alice.token}`, 'content-type': 'application/json' }
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) })
  return { status: answer.status, text: await answer.text() }
}
