/** The redaction algorithm: every row of the table of every version. */
import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { redact } from '../../../../src/protocol/events/redaction.ts'
import { type RoomVersionRules, roomVersion } from '../../../../src/protocol/rooms/room-version.ts'

const VERSIONS = ['10', '11', '12']
const COMMON_KEYS =
  'auth_events content depth event_id hashes origin_server_ts prev_events room_id sender signatures state_key type'
const TOP_LEVEL: Record<string, string> = {
  '10': `${COMMON_KEYS} membership origin prev_state`,
  '11': COMMON_KEYS,
  '12': COMMON_KEYS,
}

function rulesOf(version: string): RoomVersionRules {
  return roomVersion(version) ?? expect.fail(`room version ${version} is missing`)
}

function event(type: string, content: JsonObject): Pdu {
  return {
    event_id: '$x:domain',
    room_id: '!r:domain',
    type,
    state_key: '',
    sender: '@a:domain',
    content,
    origin_server_ts: 1,
    depth: 2,
    auth_events: ['$a'],
    prev_events: ['$p'],
    hashes: { sha256: 'h' },
    signatures: { domain: { 'ed25519:1': 's' } },
    unsigned: { age: 1 },
    redacts: '$y',
    origin: 'domain',
    prev_state: [],
    membership: 'join',
    custom: 1,
  }
}

test.each(VERSIONS)('keeps the top-level keys of room version %s', (version) => {
  const redacted = redact(event('m.room.message', { body: 'x' }), rulesOf(version))
  expect(Object.keys(redacted).sort()).toEqual(TOP_LEVEL[version]?.split(' ').sort())
  expect(redacted).toMatchObject({ depth: 2, auth_events: ['$a'], hashes: { sha256: 'h' }, state_key: '' })
})

test('leaves out what the event does not have', () => {
  const { state_key, room_id, event_id, ...rest } = event('m.room.message', {})
  const redacted = redact(rest as Pdu, rulesOf('12'))
  expect(Object.keys(redacted)).not.toEqual(expect.arrayContaining(['state_key']))
  expect('room_id' in redacted || 'event_id' in redacted).toBe(false)
})

/** Content that has every key any version keeps, and one that none does. */
const CONTENT: Record<string, JsonObject> = {
  'm.room.member': {
    membership: 'join',
    join_authorised_via_users_server: '@b:domain',
    third_party_invite: { signed: { token: 't' }, display_name: 'd' },
    displayname: 'x',
  },
  'm.room.create': { creator: '@a:domain', room_version: '10', 'm.federate': false, custom: 1 },
  'm.room.join_rules': { join_rule: 'restricted', allow: [{ type: 'm.room_membership' }], custom: 1 },
  'm.room.power_levels': {
    ban: 1,
    events: { x: 1 },
    events_default: 2,
    invite: 3,
    kick: 4,
    redact: 5,
    state_default: 6,
    users: { '@a:domain': 100 },
    users_default: 7,
    notifications: { room: 50 },
  },
  'm.room.history_visibility': { history_visibility: 'shared', custom: 1 },
  'm.room.redaction': { redacts: '$y', reason: 'spam' },
  'm.room.aliases': { aliases: ['#a:domain'] },
  'm.room.server_acl': { allow: ['*'], deny: [] },
  'm.room.message': { body: 'x' },
  constructor: { name: 'x' },
}

const POWER_LEVELS = 'ban events events_default kick redact state_default users users_default'
const EARLY: Record<string, string> = {
  'm.room.member': 'membership join_authorised_via_users_server',
  'm.room.create': 'creator',
  'm.room.join_rules': 'join_rule allow',
  'm.room.power_levels': POWER_LEVELS,
  'm.room.history_visibility': 'history_visibility',
  'm.room.redaction': '',
  'm.room.aliases': '',
  'm.room.server_acl': '',
  'm.room.message': '',
  constructor: '',
}
const LATER: Record<string, string> = {
  ...EARLY,
  'm.room.member': 'membership join_authorised_via_users_server third_party_invite',
  'm.room.create': 'creator room_version m.federate custom',
  'm.room.power_levels': `${POWER_LEVELS} invite`,
  'm.room.redaction': 'redacts',
}
const KEPT: Record<string, Record<string, string>> = { '10': EARLY, '11': LATER, '12': LATER }

const ROWS = VERSIONS.flatMap((version) =>
  Object.entries(KEPT[version] ?? {}).map(([type, kept]) => [version, type, kept] as const),
)

test.each(ROWS)('in room version %s keeps of %s the content keys "%s"', (version, type, kept) => {
  const content = CONTENT[type] ?? expect.fail(`no content for ${type}`)
  const redacted = redact(event(type, content), rulesOf(version)).content
  const expected = kept.split(' ').filter((key) => key !== '')
  expect(Object.keys(redacted).sort()).toEqual(expected.sort())
  for (const key of expected) {
    if (key !== 'third_party_invite') expect(redacted[key]).toBe(content[key])
  }
})

test('keeps of a third-party invite only what was signed', () => {
  const pdu = event('m.room.member', CONTENT['m.room.member'] ?? {})
  expect(redact(pdu, rulesOf('12')).content.third_party_invite).toEqual({ signed: { token: 't' } })
})

test('keeps nothing of a third-party invite that is no object', () => {
  const pdu = event('m.room.member', { membership: 'invite', third_party_invite: 'x' })
  expect(redact(pdu, rulesOf('11')).content).toEqual({ membership: 'invite' })
})

test.each(VERSIONS)('is its own fixed point in room version %s', (version) => {
  for (const [type, content] of Object.entries(CONTENT)) {
    const once = redact(event(type, content), rulesOf(version))
    expect(redact(once, rulesOf(version))).toEqual(once)
  }
})

test('leaves the event it redacts as it was', () => {
  const pdu = event('m.room.member', CONTENT['m.room.member'] ?? {})
  const before = structuredClone(pdu)
  redact(pdu, rulesOf('12'))
  expect(pdu).toEqual(before)
})

test.each(['__proto__', 'toString', ''])('keeps no content of an event of type %j', (type) => {
  for (const version of VERSIONS) {
    expect(redact(event(type, { membership: 'join' }), rulesOf(version)).content).toEqual({})
  }
})

test('aliases survive in the room versions that have a rule for them, and in no others', () => {
  const aliases = event('m.room.aliases', { aliases: ['#a:domain'], more: 1 })
  expect(redact(aliases, rulesOf('5')).content).toEqual({ aliases: ['#a:domain'] })
  expect(redact(aliases, rulesOf('6')).content).toEqual({})
})
