/** Building events: what is built passes every check a receiver makes. */
import { expect, test } from 'vitest'
import { canonicalJson, type JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { buildEvent, type EventDraft } from '../../../../src/protocol/events/event-builder.ts'
import { checkPduFormat } from '../../../../src/protocol/events/event-format.ts'
import { eventIdOf, hasValidContentHash, roomIdOfCreate } from '../../../../src/protocol/events/event-hash.ts'
import { redact } from '../../../../src/protocol/events/redaction.ts'
import { signingKey, verifyJson } from '../../../../src/protocol/events/signing.ts'
import { isEventId, isRoomId } from '../../../../src/protocol/identifiers.ts'
import {
  type RoomVersionRules,
  roomVersion,
  SUPPORTED_ROOM_VERSIONS,
} from '../../../../src/protocol/rooms/room-version.ts'

const VERSIONS = SUPPORTED_ROOM_VERSIONS
const key = signingKey('ed25519:1', 'YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1')

function rulesOf(version: string): RoomVersionRules {
  return roomVersion(version) ?? expect.fail(`room version ${version} is missing`)
}

const MESSAGE: EventDraft = {
  roomId: '!r:domain',
  type: 'm.room.message',
  sender: '@alice:domain',
  content: { msgtype: 'm.text', body: 'Grüße \u{1F600}', '\u{1F600}': 1, '\uFFFD': 2 },
  originServerTs: 1_760_000_000_000,
  depth: 12,
  authEvents: ['$a', '$b'],
  prevEvents: ['$p'],
}
const DRAFTS: [name: string, draft: EventDraft][] = [
  ['a message', MESSAGE],
  [
    'a state event',
    { ...MESSAGE, type: 'm.room.member', stateKey: '@alice:domain', content: { membership: 'join' } },
  ],
  [
    'a redaction',
    { ...MESSAGE, type: 'm.room.redaction', redacts: '$x', content: { redacts: '$x', reason: 'y' } },
  ],
]
const CASES = VERSIONS.flatMap((version) => DRAFTS.map(([name, draft]) => [name, version, draft] as const))

test.each(CASES)('builds %s of version %s that a receiver accepts', (_name, version, draft) => {
  const rules = rulesOf(version)
  const { eventId, json } = buildEvent(rules, draft, 'domain', key)
  const received = checkPduFormat(JSON.parse(json), rules)
  expect(hasValidContentHash(received, rules)).toBe(true)
  expect(verifyJson(redact(received, rules) as JsonObject, 'domain', 'ed25519:1', key.publicKey)).toBe(true)
  expect(eventIdOf(received, rules)).toBe(eventId)
  expect(isEventId(eventId)).toBe(true)
})

test.each(CASES)('answers for %s of version %s the canonical JSON of its PDU', (_name, version, draft) => {
  const { pdu, json } = buildEvent(rulesOf(version), draft, 'domain', key)
  expect(json).toBe(canonicalJson(pdu as JsonObject))
  expect(JSON.parse(json)).toEqual(pdu)
})

test.each(VERSIONS)('lets a redacted copy of version %s keep its id and signature', (version) => {
  const rules = rulesOf(version)
  const { eventId, pdu } = buildEvent(rules, MESSAGE, 'domain', key)
  const redacted = redact(pdu, rules)
  expect(eventIdOf(redacted, rules)).toBe(eventId)
  expect(verifyJson(redacted as JsonObject, 'domain', 'ed25519:1', key.publicKey)).toBe(true)
  expect(hasValidContentHash(redacted, rules)).toBe(false)
})

test('maps a draft onto the keys of the wire, and no others', () => {
  const { pdu } = buildEvent(rulesOf('10'), { ...MESSAGE, stateKey: '', redacts: '$x' }, 'domain', key)
  expect(pdu).toEqual({
    room_id: '!r:domain',
    type: 'm.room.message',
    state_key: '',
    sender: '@alice:domain',
    content: MESSAGE.content,
    origin_server_ts: 1_760_000_000_000,
    depth: 12,
    auth_events: ['$a', '$b'],
    prev_events: ['$p'],
    redacts: '$x',
    hashes: { sha256: expect.stringMatching(/^[A-Za-z0-9+/]{43}$/) },
    signatures: { domain: { 'ed25519:1': expect.stringMatching(/^[A-Za-z0-9+/]{86}$/) } },
  })
})

test('builds a version 12 create event without a room id, whose hash is the id of the room', () => {
  const { roomId, ...rest } = MESSAGE
  const draft = {
    ...rest,
    type: 'm.room.create',
    stateKey: '',
    content: { room_version: '12' },
    prevEvents: [],
  }
  const { pdu, json, eventId } = buildEvent(rulesOf('12'), draft, 'domain', key)
  expect('room_id' in JSON.parse(json)).toBe(false)
  expect(roomIdOfCreate(pdu, rulesOf('12'))).toBe(`!${eventId.slice(1)}`)
  expect(isRoomId(roomIdOfCreate(pdu, rulesOf('12')))).toBe(true)
})

test('caps depth at 2^53-1', () => {
  const { json } = buildEvent(
    rulesOf('12'),
    { ...MESSAGE, depth: Number.MAX_SAFE_INTEGER + 1 },
    'domain',
    key,
  )
  expect((JSON.parse(json) as Pdu).depth).toBe(9007199254740991)
})

test('detects a change of any covered key', () => {
  const rules = rulesOf('12')
  const { pdu } = buildEvent(rules, { ...MESSAGE, stateKey: 'k' }, 'domain', key)
  for (const change of [
    { depth: 13 },
    { sender: '@b:domain' },
    { state_key: 'l' },
    { type: 'x' },
    { prev_events: [] },
  ]) {
    const changed = redact({ ...pdu, ...change }, rules) as JsonObject
    expect(verifyJson(changed, 'domain', 'ed25519:1', key.publicKey)).toBe(false)
  }
})

test.each([
  ['a float', { x: 1.5 }],
  ['a lone surrogate', { x: '\uD83D' }],
])('refuses content with %s as M_BAD_JSON', (_name, content) => {
  expect(() => buildEvent(rulesOf('12'), { ...MESSAGE, content }, 'domain', key)).toThrow(
    expect.objectContaining({ errcode: 'M_BAD_JSON' }),
  )
})
