/** Which events change what the rules say about earlier ones: unread events are judged as the room is now. */
import type { JsonObject } from '../events/canonical-json.ts'
import { objectField } from '../json-fields.ts'
import { memberLimit } from './push-conditions.ts'
import { RULE_KINDS, rulesOf } from './push-evaluator.ts'

/** What the rules of a ruleset look at besides the event. */
interface Regard {
  /** Numbers of members at which a rule changes its answer. */
  memberLimits: number[]
  permission: boolean
  ownName: boolean
}

const read = new WeakMap<JsonObject, Regard>()

function regardOf(ruleset: JsonObject): Regard {
  const known = read.get(ruleset)
  if (known !== undefined) return known
  const conditions = RULE_KINDS.flatMap((kind) => rulesOf(ruleset, kind))
    .filter(({ enabled }) => enabled !== false)
    .flatMap(({ conditions }) => (Array.isArray(conditions) ? conditions.map(objectField) : []))
  const asks = (kind: string) => conditions.some((condition) => condition?.kind === kind)
  const regard = {
    memberLimits: conditions
      .filter((condition) => condition?.kind === 'room_member_count')
      .map((condition) => memberLimit(condition?.is))
      .filter((limit) => limit !== undefined),
    permission: asks('sender_notification_permission'),
    ownName: asks('contains_display_name'),
  }
  read.set(ruleset, regard)
  return regard
}

interface Reader {
  userId: string
  ruleset: JsonObject
}

/** @param joined how many members the room has after the events */
export function contextChanges(
  { userId, ruleset }: Reader,
  events: readonly { event: { type: string; state_key?: string } }[],
  joined: number,
): boolean {
  const keysOf = (type: string) =>
    events
      .filter(({ event }) => event.type === type && event.state_key !== undefined)
      .map(({ event }) => event.state_key)
  const levels = keysOf('m.room.power_levels')
  const members = keysOf('m.room.member')
  if (levels.length === 0 && members.length === 0) return false
  const { memberLimits, permission, ownName } = regardOf(ruleset)
  return (
    (permission && levels.length > 0) ||
    (ownName && members.includes(userId)) ||
    // Each member event may have moved the number by one.
    (members.length > 0 && memberLimits.some((limit) => Math.abs(joined - limit) <= members.length))
  )
}

/** Whether the rules look for the user's own name in a room. */
export function asksForOwnName(ruleset: JsonObject): boolean {
  return regardOf(ruleset).ownName
}
