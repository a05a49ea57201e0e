/**
 * Client-Server API §Room Upgrades: "When a user joins the new room, the server should automatically
 * transfer/replicate some of the user's personalized settings": tags, push rules and whether it is a direct chat.
 */
import type { JsonObject, JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import { objectField } from '../../../src/protocol/json-fields.ts'
import { type AccountDataEvent, findAccountData } from '../settings/account-data.ts'
import { TAGS } from '../settings/tags.ts'

/** The account data to be written when a user comes from one room into the one that replaces it. */
export function carriedOver(sql: SqlStorage, from: string, to: string): AccountDataEvent[] {
  const changes: [string | null, string, JsonObject | undefined][] = [
    [to, TAGS, tagsFor(sql, from, to)],
    [null, 'm.direct', directFor(findAccountData(sql, null, 'm.direct'), from, to)],
    [null, 'm.push_rules', rulesFor(findAccountData(sql, null, 'm.push_rules'), from, to)],
  ]
  return changes.flatMap(([roomId, type, content]) =>
    content === undefined ? [] : [{ roomId, type, content }],
  )
}

function tagsFor(sql: SqlStorage, from: string, to: string): JsonObject | undefined {
  return findAccountData(sql, to, TAGS) === undefined ? findAccountData(sql, from, TAGS) : undefined
}

/** `m.direct` lists direct chats under the id of the other user. */
function directFor(direct: JsonObject | undefined, from: string, to: string): JsonObject | undefined {
  let changed = false
  const next = Object.entries(direct ?? {}).map(([userId, rooms]): [string, JsonValue] => {
    if (!Array.isArray(rooms) || !rooms.includes(from) || rooms.includes(to)) return [userId, rooms ?? []]
    changed = true
    return [userId, [...rooms, to]]
  })
  return changed ? Object.fromEntries(next) : undefined
}

/** The rules that speak of the old room alone: `room` rules, and the overrides by which clients mute a room. */
function rulesFor(rules: JsonObject | undefined, from: string, to: string): JsonObject | undefined {
  const global = objectField(rules?.global)
  if (global === undefined) return undefined
  const next: JsonObject = { ...global }
  let changed = false
  for (const kind of ['override', 'room']) {
    const list = Array.isArray(global[kind]) ? global[kind] : []
    const own = list.map((rule) => objectField(rule)).find((rule) => rule?.rule_id === from)
    if (own === undefined || list.some((rule) => objectField(rule)?.rule_id === to)) continue
    next[kind] = list.flatMap((rule) => (rule === own ? [rule, renamed(own, from, to)] : [rule]))
    changed = true
  }
  return changed ? { ...rules, global: next } : undefined
}

function renamed(rule: JsonObject, from: string, to: string): JsonObject {
  const copy: JsonObject = { ...rule, rule_id: to }
  if (!Array.isArray(rule.conditions)) return copy
  copy.conditions = rule.conditions.map((condition) => {
    const fields = objectField(condition)
    return fields?.key === 'room_id' && fields.pattern === from ? { ...fields, pattern: to } : condition
  })
  return copy
}
