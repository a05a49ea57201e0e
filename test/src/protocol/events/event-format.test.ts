/** The PDU format by room version, and the size limits. */
import { expect, test } from 'vitest'
import { canonicalJson, type JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { checkEventSize, checkPduFormat } from '../../../../src/protocol/events/event-format.ts'
import { type RoomVersionRules, roomVersion } from '../../../../src/protocol/rooms/room-version.ts'

const VERSIONS = ['10', '11', '12']
const ROOM_ID = '!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ'
const EVENT_ID = '$Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ'
const MAX_INT = Number.MAX_SAFE_INTEGER

function rulesOf(version: string): RoomVersionRules {
  return roomVersion(version) ?? expect.fail(`room version ${version} is missing`)
}

const GOOD: Pdu = {
  room_id: ROOM_ID,
  type: 'm.room.message',
  sender: '@alice:example.org',
  content: { body: 'x' },
  origin_server_ts: 1,
  depth: 2,
  auth_events: [EVENT_ID],
  prev_events: [EVENT_ID],
  hashes: { sha256: 'h' },
  signatures: { 'example.org': { 'ed25519:1': 's' } },
}

test.each(VERSIONS)('accepts a well-formed event of version %s, and answers the same object', (version) => {
  expect(checkPduFormat(GOOD, rulesOf(version))).toBe(GOOD)
})

test('keeps keys that no schema knows, at every level', () => {
  const text = canonicalJson({
    ...GOOD,
    custom: [1],
    hashes: { sha256: 'h', other: 1 },
    content: JSON.parse('{"__proto__":1}'),
  } as JsonObject)
  expect(canonicalJson(checkPduFormat(JSON.parse(text), rulesOf('12')) as JsonObject)).toBe(text)
})

const ids = (count: number) => Array.from({ length: count }, (_, i) => `$${i}`)

test.each([
  ['10 auth_events', { auth_events: ids(10) }],
  ['20 prev_events', { prev_events: ids(20) }],
  ['no auth_events and prev_events', { auth_events: [], prev_events: [] }],
  ['depth 0', { depth: 0 }],
  ['depth 2^53-1', { depth: MAX_INT }],
  ['a state key', { state_key: '' }],
  ['unsigned', { unsigned: { age: 1 } }],
  ['a historical sender', { sender: '@A b:example.org' }],
  ['several signatures', { signatures: { a: { 'ed25519:1': 's', 'ed25519:2': 't' }, b: {} } }],
])('accepts %s', (_name, change) => {
  for (const version of VERSIONS)
    expect(() => checkPduFormat({ ...GOOD, ...change }, rulesOf(version))).not.toThrow()
})

const MALFORMED: [name: string, change: Record<string, unknown>][] = [
  ['11 auth_events', { auth_events: ids(11) }],
  ['21 prev_events', { prev_events: ids(21) }],
  ['auth_events that are no list', { auth_events: EVENT_ID }],
  ['prev_events of pairs', { prev_events: [['$a', { sha256: 'x' }]] }],
  ['negative depth', { depth: -1 }],
  ['depth 2^53', { depth: MAX_INT + 1 }],
  ['a float depth', { depth: 1.5 }],
  ['depth as text', { depth: '1' }],
  ['a float timestamp', { origin_server_ts: 1.5 }],
  ['a timestamp as text', { origin_server_ts: '1' }],
  ['a type that is no text', { type: 1 }],
  ['a state key that is null', { state_key: null }],
  ['a sender that is no user id', { sender: 'alice' }],
  ['a room id that is none', { room_id: 'room' }],
  ['content that is a list', { content: [] }],
  ['content that is text', { content: 'x' }],
  ['content that is null', { content: null }],
  ['hashes without sha256', { hashes: {} }],
  ['a hash that is no text', { hashes: { sha256: 1 } }],
  ['a signature that is no text', { signatures: { a: { 'ed25519:1': 1 } } }],
  ['signatures that are a list', { signatures: [] }],
  ['unsigned that is text', { unsigned: 'x' }],
]

test.each(MALFORMED)('refuses %s as M_BAD_JSON, naming the key', (_name, change) => {
  for (const version of VERSIONS) {
    expect(() => checkPduFormat({ ...GOOD, ...change }, rulesOf(version))).toThrow(
      expect.objectContaining({
        errcode: 'M_BAD_JSON',
        message: expect.stringContaining(Object.keys(change)[0] ?? '?'),
      }),
    )
  }
})

const REQUIRED = Object.keys(GOOD)

test.each(REQUIRED)('refuses an event without %s', (required) => {
  for (const version of VERSIONS) {
    const { [required]: _left, ...rest } = GOOD
    expect(() => checkPduFormat(rest, rulesOf(version))).toThrow(
      expect.objectContaining({ errcode: 'M_BAD_JSON' }),
    )
  }
})

test.each([null, undefined, 'x', 1, [GOOD]])('refuses %j', (value) => {
  expect(() => checkPduFormat(value, rulesOf('12'))).toThrow(
    expect.objectContaining({ errcode: 'M_BAD_JSON' }),
  )
})

test('lets only a create event of version 12 go without a room id', () => {
  const { room_id, ...create } = { ...GOOD, type: 'm.room.create', state_key: '' }
  expect(() => checkPduFormat(create, rulesOf('12'))).not.toThrow()
  expect(() => checkPduFormat(create, rulesOf('11'))).toThrow('room_id')
})

test('checks redacts where the version has it at the top level', () => {
  expect(() => checkPduFormat({ ...GOOD, redacts: 1 }, rulesOf('10'))).toThrow('redacts')
  expect(() => checkPduFormat({ ...GOOD, redacts: 1 }, rulesOf('11'))).not.toThrow()
})

/** An event whose canonical JSON has exactly `bytes` bytes. */
function eventOfBytes(bytes: number, filler: string): { pdu: Pdu; json: string } {
  const empty = canonicalJson({ ...GOOD, content: { body: '' } } as JsonObject)
  const each = new TextEncoder().encode(filler).length
  const left = bytes - empty.length
  const body = filler.repeat(Math.floor(left / each)) + 'a'.repeat(left % each)
  const pdu = { ...GOOD, content: { body } }
  return { pdu, json: canonicalJson(pdu as JsonObject) }
}

test.each(['a', 'ü', '\u{1F600}'])('allows 65536 bytes and no more, filled with %s', (filler) => {
  const largest = eventOfBytes(65536, filler)
  const tooLarge = eventOfBytes(65537, filler)
  expect(() => checkEventSize(largest.json, largest.pdu, [EVENT_ID, ROOM_ID])).not.toThrow()
  expect(() => checkEventSize(tooLarge.json, tooLarge.pdu, [EVENT_ID, ROOM_ID])).toThrow(
    expect.objectContaining({ errcode: 'M_TOO_LARGE', status: 413 }),
  )
})

test.each(['type', 'state_key', 'sender', 'room_id', 'event_id'])(
  'allows 255 bytes of %s and no more',
  (field) => {
    const check = (text: string) => {
      const values: Record<string, string> = { event_id: EVENT_ID, room_id: ROOM_ID, [field]: text }
      const { event_id = '', room_id = '', ...rest } = values
      checkEventSize('{}', { ...GOOD, ...rest }, [event_id, room_id])
    }
    const refusal = expect.objectContaining({
      errcode: 'M_TOO_LARGE',
      message: expect.stringContaining(field),
    })
    expect(() => check('a'.repeat(255))).not.toThrow()
    expect(() => check('a'.repeat(256))).toThrow(refusal)
    expect(() => check('ü'.repeat(127))).not.toThrow()
    expect(() => check('ü'.repeat(128))).toThrow(refusal)
  },
)
