/** The authorisation rules for m.room.power_levels: well-formed, and no change beyond the sender's own level. */

import { MalformedContent } from '../errors.ts'
import type { JsonObject, JsonValue } from '../events/canonical-json.ts'
import { isUserId } from '../identifiers.ts'
import { objectField } from '../json-fields.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'
import { type AuthContext, rejectUnless } from './event-auth-context.ts'
import { creatorsOf, levelField } from './power-levels.ts'

const SCALARS = [
  'users_default',
  'events_default',
  'state_default',
  'ban',
  'redact',
  'kick',
  'invite',
] as const

const MAPS = ['events', 'notifications'] as const

/** The maps whose changes a room version checks. */
function checkedMaps(rules: RoomVersionRules): readonly (typeof MAPS)[number][] {
  return rules.checksNotificationLevels ? MAPS : ['events']
}

/** @throws AuthRejection with the sentence of the rule that refuses */
export function checkPowerLevels(context: AuthContext): void {
  checkFormat(context)
  const current = context.state.get('m.room.power_levels', '')
  if (current !== undefined) checkChanges(context, current.pdu.content, context.event.content)
}

function checkFormat({ rules, event, create }: AuthContext): void {
  const { content } = event
  const isLevel = (value: JsonValue | undefined) =>
    value === undefined || levelField(rules, value) !== undefined
  const isMapOfLevels = (value: JsonValue | undefined): value is JsonObject => {
    const map = objectField(value)
    return map !== undefined && Object.values(map).every(isLevel)
  }
  // Room version 10: what stands beside `users` is checked too.
  if (rules.integerPowerLevels) {
    for (const key of SCALARS) wellFormed(isLevel(content[key]), `${key} must be an integer`)
    for (const key of MAPS) {
      wellFormed(content[key] === undefined || isMapOfLevels(content[key]), `${key} must hold integers`)
    }
  }
  const { users } = content
  if (users === undefined) return
  wellFormed(isMapOfLevels(users), 'users must hold integers')
  wellFormed(Object.keys(users).every(isUserId), 'the keys of users must be user IDs')
  if (!rules.privilegedCreators) return
  const creators = creatorsOf(rules, create)
  wellFormed(!creators.some((userId) => users[userId] !== undefined), 'users must not contain a creator')
}

/**
 * An absent property has no value to compare: adding it is judged by the new value alone, removing it by the old value
 * alone, even where the default then in force differs.
 */
function checkChanges({ rules, event, levels }: AuthContext, before: JsonObject, after: JsonObject): void {
  const own = levels.user(event.sender)
  for (const key of SCALARS) {
    const [old, next] = [levelField(rules, before[key]), levelField(rules, after[key])]
    if (old === next) continue
    rejectUnless(old === undefined || old <= own, `the current ${key} is above the sender's power level`)
    rejectUnless(next === undefined || next <= own, `the new ${key} is above the sender's power level`)
  }
  for (const key of checkedMaps(rules)) {
    for (const { name, old, next } of changedEntries(rules, before[key], after[key])) {
      rejectUnless(old === undefined || old <= own, `the current level of ${name} is above the sender's`)
      rejectUnless(next === undefined || next <= own, `the new level of ${name} is above the sender's`)
    }
  }
  for (const { name, old, next } of changedEntries(rules, before.users, after.users)) {
    rejectUnless(
      old === undefined || name === event.sender || old < own,
      `the current power level of ${name} is not below the sender's`,
    )
    rejectUnless(next === undefined || next <= own, `the new power level of ${name} is above the sender's`)
  }
}

interface ChangedEntry {
  name: string
  old: number | undefined
  next: number | undefined
}

/** The entries that were added, changed or removed. */
function* changedEntries(
  rules: RoomVersionRules,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
): Generator<ChangedEntry> {
  const [was, is] = [objectField(before) ?? {}, objectField(after) ?? {}]
  for (const name of new Set([...Object.keys(was), ...Object.keys(is)])) {
    const [old, next] = [levelField(rules, was[name]), levelField(rules, is[name])]
    if (old !== next) yield { name, old, next }
  }
}

/** @throws MalformedContent with the sentence unless the condition holds */
function wellFormed(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new MalformedContent(sentence)
}
