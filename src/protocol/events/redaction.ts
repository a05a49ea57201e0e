/** The redaction algorithm: what of an event survives its redaction, by room version. Room versions §Redactions. */

import type { RoomVersionRules } from '../rooms/room-version.ts'
import type { JsonObject, JsonValue } from './canonical-json.ts'
import type { Pdu } from './event.ts'

/** What survives of a value: all of it, or of an object these keys. */
type Kept = true | { readonly [key: string]: Kept }

interface RedactionTable {
  /** Top-level keys, in the order of canonical JSON. `unsigned` is in neither table. */
  keys: readonly string[]
  /** What of the content survives, by event type; of other types nothing does. */
  content: ReadonlyMap<string, Kept>
}

const JOIN_RULES: Kept = { allow: true, join_rule: true }
/** Before room version 8. */
const JOIN_RULE_ALONE: Kept = { join_rule: true }
const HISTORY_VISIBILITY: Kept = { history_visibility: true }
const MEMBER: Kept = { join_authorised_via_users_server: true, membership: true }
/** Before room version 9. */
const MEMBERSHIP_ALONE: Kept = { membership: true }
const POWER_LEVELS: Kept = {
  ban: true,
  events: true,
  events_default: true,
  kick: true,
  redact: true,
  state_default: true,
  users: true,
  users_default: true,
}

/** Since room version 11. */
const MODERN_MEMBER: Kept = { ...MEMBER, third_party_invite: { signed: true } }
const MODERN_POWER_LEVELS: Kept = { ...POWER_LEVELS, invite: true }

const MODERN_KEYS = [
  'auth_events',
  'content',
  'depth',
  'event_id',
  'hashes',
  'origin_server_ts',
  'prev_events',
  'room_id',
  'sender',
  'signatures',
  'state_key',
  'type',
]

const LEGACY_KEYS = [...MODERN_KEYS, 'membership', 'origin', 'prev_state'].sort()

/** Room versions up to 10, by what came one after the other. */
function legacyTable(rules: RoomVersionRules): RedactionTable {
  const content = new Map<string, Kept>([
    ['m.room.create', { creator: true }],
    ['m.room.history_visibility', HISTORY_VISIBILITY],
    ['m.room.join_rules', rules.restricted ? JOIN_RULES : JOIN_RULE_ALONE],
    ['m.room.member', rules.redactionKeepsVoucher ? MEMBER : MEMBERSHIP_ALONE],
    ['m.room.power_levels', POWER_LEVELS],
  ])
  if (rules.aliasesRule) content.set('m.room.aliases', { aliases: true })
  return { keys: LEGACY_KEYS, content }
}

/** Each made once: every event that is hashed asks for its room version's. */
const tables = new Map<string, RedactionTable>()

function tableOf(rules: RoomVersionRules): RedactionTable {
  const known = tables.get(rules.version)
  if (known !== undefined) return known
  const table = rules.modernRedaction ? MODERN : legacyTable(rules)
  tables.set(rules.version, table)
  return table
}

/** Room version 11 and later. */
const MODERN: RedactionTable = {
  keys: MODERN_KEYS,
  content: new Map<string, Kept>([
    ['m.room.create', true],
    ['m.room.history_visibility', HISTORY_VISIBILITY],
    ['m.room.join_rules', JOIN_RULES],
    ['m.room.member', MODERN_MEMBER],
    ['m.room.power_levels', MODERN_POWER_LEVELS],
    ['m.room.redaction', { redacts: true }],
  ]),
}

/** What the authorisation rules read of a content, by event type; where a redaction leaves all of that, nothing is here. */
const READ_BY_RULES: ReadonlyMap<string, Kept> = new Map<string, Kept>([
  ['m.room.member', MODERN_MEMBER],
  ['m.room.power_levels', MODERN_POWER_LEVELS],
  ['m.room.third_party_invite', { public_key: true, public_keys: true }],
])

/**
 * What the rules read of an event's content and a redaction takes: other servers judge by it all the same. Undefined
 * where a redaction leaves all that the rules read. Profiles and other texts of people are not in it.
 */
export function judgedContent(pdu: Pdu, rules: RoomVersionRules): JsonObject | undefined {
  const kept = READ_BY_RULES.get(pdu.type)
  if (kept === undefined) return undefined
  const judged = JSON.stringify(redactContent(pdu.content, kept))
  const left = JSON.stringify(redactContent(redact(pdu, rules).content, kept))
  return judged === left ? undefined : (JSON.parse(judged) as JsonObject)
}

/** The redacted form of an event: what its signatures and its reference hash cover. */
export function redact(pdu: Pdu, rules: RoomVersionRules): Pdu {
  const table = tableOf(rules)
  const redacted: Record<string, unknown> = {}
  for (const key of table.keys) {
    if (key === 'content') redacted.content = redactContent(pdu.content, table.content.get(pdu.type))
    else if (pdu[key] !== undefined) redacted[key] = pdu[key]
  }
  return redacted as Pdu
}

function redactContent(content: JsonObject, kept: Kept | undefined): JsonObject {
  if (kept === undefined) return {}
  return kept === true ? content : keepMembers(content, kept)
}

/**
 * The members that `kept` names. Of a value that should be an object and is not, nothing is kept; an object with
 * none of the keys stays as an empty one, as Synapse has it (the specification leaves both open).
 */
function keepMembers(object: JsonObject, kept: Exclude<Kept, true>): JsonObject {
  const result: JsonObject = {}
  for (const [key, below] of Object.entries(kept)) {
    const value = object[key]
    if (below === true) result[key] = value
    else if (isObject(value)) result[key] = keepMembers(value, below)
  }
  return result
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
