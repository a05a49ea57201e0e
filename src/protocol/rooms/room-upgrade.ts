/** Client-Server API §Room Upgrades: what the new room takes from the old one, and what the old one is left with. */
import type { JsonObject, JsonValue } from '../events/canonical-json.ts'
import { integerField, objectField } from '../json-fields.ts'
import type { RoomVersionRules } from './room-version.ts'

/** A state event that the upgrading user is about to send. */
export interface NewState {
  type: string
  stateKey: string
  content: JsonObject
}

/** "The recommended state events to transfer", with the canonical alias, whose aliases move along. */
export const TRANSFERRED_TYPES = [
  'm.room.join_rules',
  'm.room.history_visibility',
  'm.room.guest_access',
  'm.room.name',
  'm.room.topic',
  'm.room.avatar',
  'm.room.encryption',
  'm.room.server_acl',
  'm.room.canonical_alias',
] as const

/** What is carried over under every state key: the tree of spaces stays as it is. */
export const TRANSFERRED_FAMILIES = ['m.space.child', 'm.space.parent'] as const

/** Of the content of the old create event, what describes the room rather than its version. */
const KEPT_OF_CREATE = ['type', 'm.federate'] as const

/** Rooms before version 12 know no level above an administrator's. */
const ADMINISTRATOR = 100
/** Room version 12: a tombstone ends the room for good, and asks for more than administrators have. */
const V12_TOMBSTONE = 150
const MODERATOR = 50

/** Content as the new version can hold it: from room version 6 on, numbers are integers that canonical JSON knows. */
export function contentFor(rules: RoomVersionRules, content: JsonObject): JsonObject {
  return rules.strictJson ? (inIntegers(content) as JsonObject) : content
}

function inIntegers(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value === 'number') return integerField(Math.trunc(value)) ?? 0
  if (Array.isArray(value)) return value.map((item) => inIntegers(item) ?? null)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, inIntegers(member)]))
}

/** The new room's create event, but for what makes its id one of its own. */
export function replacementCreate(
  rules: RoomVersionRules,
  old: { roomId: string; create: JsonObject; lastEventId: string },
  by: { sender: string; additionalCreators: readonly string[] },
): JsonObject {
  const content: JsonObject = { room_version: rules.version }
  for (const key of KEPT_OF_CREATE) if (old.create[key] !== undefined) content[key] = old.create[key]
  content.predecessor = { room_id: old.roomId }
  if (rules.createHasCreator) content.creator = by.sender
  if (!rules.privilegedCreators) {
    content.predecessor = { room_id: old.roomId, event_id: old.lastEventId }
    return content
  }
  const others = new Set(by.additionalCreators.filter((userId) => userId !== by.sender))
  if (others.size > 0) content.additional_creators = [...others]
  return content
}

/**
 * Power levels for the new room: first those with which its creator may set up everything, then those that stay. They
 * are the same where nothing has to change in between.
 */
export function replacementPowerLevels(
  rules: RoomVersionRules,
  old: JsonObject,
  by: { sender: string; level: number; additionalCreators: readonly string[] },
): { first: JsonObject; last: JsonObject } {
  const events = { ...objectField(old.events) }
  const users = { ...objectField(old.users) }
  if (rules.privilegedCreators) {
    // "Creators must not be in `users`": they stand above it.
    for (const creator of [by.sender, ...by.additionalCreators]) delete users[creator]
    events['m.room.tombstone'] = Math.max(integerField(events['m.room.tombstone']) ?? 0, V12_TOMBSTONE)
    const content = { ...old, events, users }
    return { first: content, last: content }
  }
  for (const [type, level] of Object.entries(events)) {
    // What creators alone could do in the old room, administrators do in the new one.
    if ((integerField(level) ?? 0) > ADMINISTRATOR) events[type] = ADMINISTRATOR
  }
  const level = Number.isFinite(by.level) ? by.level : ADMINISTRATOR
  const last = { ...old, events, users: { ...users, [by.sender]: level } }
  const needed = Math.max(ADMINISTRATOR, level, ...numbersIn(old), ...numbersIn(events), ...numbersIn(users))
  if (needed === level) return { first: last, last }
  return { first: { ...last, users: { ...users, [by.sender]: needed } }, last }
}

function numbersIn(content: JsonObject): number[] {
  return Object.values(content).flatMap((value) => integerField(value) ?? [])
}

/**
 * "Setting events_default and invite to the greater of 50 and users_default + 1": undefined where the old room's
 * power levels ask for that much already.
 */
export function closedPowerLevels(old: JsonObject): JsonObject | undefined {
  const least = Math.max(MODERATOR, (integerField(old.users_default) ?? 0) + 1)
  const eventsDefault = integerField(old.events_default) ?? 0
  const invite = integerField(old.invite) ?? 0
  if (eventsDefault >= least && invite >= least) return undefined
  return { ...old, events_default: Math.max(eventsDefault, least), invite: Math.max(invite, least) }
}
