/** Client-Server API §Threaded read receipts: which thread an event belongs to. */

import { objectField, stringField } from '../json-fields.ts'
import type { JsonObject } from './canonical-json.ts'

/** The name of the timeline outside all threads. */
export const MAIN_THREAD = 'main'

/** "Implementations should not recurse infinitely: a maximum of 3 hops is recommended." */
const MAX_HOPS = 3

/** The event that an event relates to, and how. */
export function relationOf(content: JsonObject): { type: string; eventId: string } | undefined {
  const relation = objectField(content['m.relates_to'])
  const type = stringField(relation?.rel_type)
  const eventId = stringField(relation?.event_id)
  return type === undefined || eventId === undefined ? undefined : { type, eventId }
}

/** A relation as an event's `m.relates_to` says it. */
export function relationContent({ type, eventId }: { type: string; eventId: string }): JsonObject {
  return { rel_type: type, event_id: eventId }
}

type ContentOf = (eventId: string) => JsonObject | undefined

/** What an event relates to, what that relates to, and so on. */
function* relationsUp(content: JsonObject, contentOf: ContentOf) {
  let current: JsonObject | undefined = content
  for (let hops = 0; current !== undefined && hops <= MAX_HOPS; hops += 1) {
    const relation = relationOf(current)
    if (relation === undefined) return
    yield relation
    current = contentOf(relation.eventId)
  }
}

/**
 * The root of the thread an event is in, or `main`: its own m.thread relation, or that of what it relates to.
 * @param contentOf the content of another event of the room, where it is known
 */
export function threadOf(content: JsonObject, contentOf: ContentOf): string {
  for (const { type, eventId } of relationsUp(content, contentOf)) if (type === 'm.thread') return eventId
  return MAIN_THREAD
}

/** Whether an event relates to another, be it by a few steps. */
export function relatesTo(content: JsonObject, other: string, contentOf: ContentOf): boolean {
  for (const { eventId } of relationsUp(content, contentOf)) if (eventId === other) return true
  return false
}
