/** Client-Server API §Forming relationships between events: what an event's content says of another event. */

import { objectField, stringField } from '../json-fields.ts'
import type { JsonObject } from './canonical-json.ts'

/** A relation of the event that carries it (the child) to another one of its room (the parent). */
export interface Relation {
  relType: string
  parentId: string
  /** Of annotations: what the parent is annotated with. */
  key?: string
}

/** An event as far as relations need it. */
export interface RelatingEvent {
  type: string
  sender: string
  state_key?: string
  content: JsonObject
}

/** Rows hold both, and a relation needs no more than an identifier does. */
const MAX_LENGTH = 255

/** The relation that a content forms; undefined for a "malformed" one and for a reply, which is no relation here. */
export function relationOf(content: JsonObject): Relation | undefined {
  const relatesTo = objectField(content['m.relates_to'])
  const relType = stringField(relatesTo?.rel_type)
  const parentId = stringField(relatesTo?.event_id)
  if (!relType || !parentId || relType.length > MAX_LENGTH || parentId.length > MAX_LENGTH) return undefined
  const key = stringField(relatesTo?.key)
  return key === undefined || relType !== 'm.annotation' ? { relType, parentId } : { relType, parentId, key }
}

/**
 * §Validity of replacement events, but for the room: the same sender and type, no state on either side, the original
 * no replacement itself, and a new content, which encrypted events hide.
 */
export function isValidReplacement(original: RelatingEvent, replacement: RelatingEvent): boolean {
  return (
    original.sender === replacement.sender &&
    original.type === replacement.type &&
    original.state_key === undefined &&
    replacement.state_key === undefined &&
    relationOf(original.content)?.relType !== 'm.replace' &&
    (replacement.type === 'm.room.encrypted' ||
      objectField(replacement.content['m.new_content']) !== undefined)
  )
}
