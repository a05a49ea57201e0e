/** Client-Server API §Room Tagging: the tags of a room are its account data `m.tag`. */

import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { objectField } from '../../../src/protocol/json-fields.ts'
import { findAccountData } from './account-data.ts'

export const TAGS = 'm.tag'

/** All tags of a room are one row, which each new one writes anew. */
const MAX_LENGTH = 65_536

export function tagsOf(sql: SqlStorage, roomId: string): JsonObject {
  return objectField(findAccountData(sql, roomId, TAGS)?.tags) ?? {}
}

/**
 * The content of `m.tag` with one tag set or, by null, taken away; undefined where that changes nothing.
 * @throws MatrixError M_TOO_LARGE
 */
export function withTag(
  sql: SqlStorage,
  roomId: string,
  tag: string,
  value: JsonObject | null,
): JsonObject | undefined {
  const { [tag]: known, ...others } = tagsOf(sql, roomId)
  if (value === null) return known === undefined ? undefined : { tags: others }
  // A tag may be called `__proto__`: a spread would make a prototype of it.
  const tags = { ...others }
  Object.defineProperty(tags, tag, { value, enumerable: true, configurable: true, writable: true })
  if (JSON.stringify(tags).length > MAX_LENGTH) {
    throw new MatrixError('M_TOO_LARGE', `The tags of a room have at most ${MAX_LENGTH} characters in all`)
  }
  return { tags }
}
