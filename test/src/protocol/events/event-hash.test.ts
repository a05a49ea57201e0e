/** Content and reference hashes, with the specification's event signing vectors. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import {
  contentHash,
  eventIdOf,
  hasValidContentHash,
  referenceJson,
  roomIdOfCreate,
} from '../../../../src/protocol/events/event-hash.ts'
import { redact } from '../../../../src/protocol/events/redaction.ts'
import { signingKey, signJson } from '../../../../src/protocol/events/signing.ts'
import { type RoomVersionRules, roomVersion } from '../../../../src/protocol/rooms/room-version.ts'

const key = signingKey('ed25519:1', 'YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1')

function rulesOf(version: string): RoomVersionRules {
  return roomVersion(version) ?? expect.fail(`room version ${version} is missing`)
}

/** Appendices §Cryptographic Test Vectors, Event Signing. Both predate the present event format. */
const MINIMAL = {
  room_id: '!x:domain',
  sender: '@a:domain',
  origin: 'domain',
  origin_server_ts: 1000000,
  signatures: {},
  hashes: {},
  type: 'X',
  content: {},
  prev_events: [],
  auth_events: [],
  depth: 3,
  unsigned: { age_ts: 1000000 },
}
const REDACTABLE = {
  content: { body: 'Here is the message content' },
  event_id: '$0:domain',
  origin: 'domain',
  origin_server_ts: 1000000,
  type: 'm.room.message',
  room_id: '!r:domain',
  sender: '@u:domain',
  signatures: {},
  unsigned: { age_ts: 1000000 },
}
const VECTORS: [name: string, event: JsonObject, hash: string, signature: string][] = [
  [
    'minimally-sized',
    MINIMAL,
    '5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos',
    'KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg',
  ],
  [
    'redactable',
    REDACTABLE,
    'onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g',
    'Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA',
  ],
]

test.each(VECTORS)(
  'hashes and signs the %s event as the specification does',
  (_name, event, hash, signature) => {
    const pdu = {
      ...event,
      hashes: { sha256: contentHash(event as unknown as Pdu, rulesOf('10')) },
    } as unknown as Pdu
    expect(pdu.hashes.sha256).toBe(hash)
    // The vectors are of the first room versions, whose redaction keeps `origin` as that of version 10 does.
    const signed = signJson(redact(pdu, rulesOf('10')) as JsonObject, 'domain', key)
    expect(signed.signatures).toEqual({ domain: { 'ed25519:1': signature } })
    expect(key.sign(referenceJson(pdu, rulesOf('10')))).toBe(signature)
  },
)

const MESSAGE = {
  ...REDACTABLE,
  hashes: { sha256: 'onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g' },
} as unknown as Pdu

test('recognises the content its hash promises, padded or not', () => {
  expect(hasValidContentHash(MESSAGE, rulesOf('10'))).toBe(true)
  expect(
    hasValidContentHash({ ...MESSAGE, hashes: { sha256: `${MESSAGE.hashes.sha256}=` } }, rulesOf('10')),
  ).toBe(true)
})

test('takes no account of signatures, unsigned and other hashes', () => {
  const pdu = { ...MESSAGE, signatures: { x: {} }, unsigned: {}, hashes: { ...MESSAGE.hashes, md5: 'x' } }
  expect(hasValidContentHash(pdu, rulesOf('10'))).toBe(true)
})

test.each([
  ['changed content', { ...MESSAGE, content: { body: 'Something else' } }],
  ['an added key', { ...MESSAGE, extra: 1 }],
  ['no hash', { ...MESSAGE, hashes: {} }],
  ['a hash that is not base64', { ...MESSAGE, hashes: { sha256: '*' } }],
  ['a shorter hash', { ...MESSAGE, hashes: { sha256: 'onLK' } }],
])('does not recognise %s', (_name, pdu) => {
  expect(hasValidContentHash(pdu as unknown as Pdu, rulesOf('10'))).toBe(false)
})

test('makes the event id of the redacted event, so redaction does not change it', () => {
  for (const version of ['10', '11', '12']) {
    const rules = rulesOf(version)
    expect(eventIdOf(MESSAGE, rules)).toMatch(/^\$[A-Za-z0-9_-]{43}$/)
    expect(eventIdOf(redact(MESSAGE, rules), rules)).toBe(eventIdOf(MESSAGE, rules))
  }
})

test('makes the event id by SHA-256 over the essential keys and nothing else', () => {
  const bytes =
    '{"content":{},"event_id":"$0:domain","hashes":{"sha256":"onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g"},"origin_server_ts":1000000,"room_id":"!r:domain","sender":"@u:domain","type":"m.room.message"}'
  expect(referenceJson(MESSAGE, rulesOf('12'))).toBe(bytes)
  expect(eventIdOf(MESSAGE, rulesOf('12'))).toBe(`$${createHash('sha256').update(bytes).digest('base64url')}`)
})

test('makes different ids by version where redaction differs', () => {
  expect(eventIdOf(MESSAGE, rulesOf('10'))).not.toBe(eventIdOf(MESSAGE, rulesOf('11')))
})

test('names a version 12 room by the hash of its create event', () => {
  const { room_id, ...create } = {
    ...MESSAGE,
    type: 'm.room.create',
    state_key: '',
    content: { room_version: '12' },
  }
  const pdu = create as Pdu
  expect(roomIdOfCreate(pdu, rulesOf('12'))).toBe(`!${eventIdOf(pdu, rulesOf('12')).slice(1)}`)
})

test('takes the room id of earlier versions from the create event', () => {
  expect(roomIdOfCreate({ ...MESSAGE, type: 'm.room.create' }, rulesOf('11'))).toBe('!r:domain')
  expect(() => roomIdOfCreate({ ...MESSAGE, room_id: undefined }, rulesOf('11'))).toThrow('room_id')
})
