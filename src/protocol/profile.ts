/** Client-Server API §Profiles: which fields there are, what they may hold, and what of them rooms are shown. */
import { Buffer } from 'node:buffer'
import { MatrixError } from './errors.ts'
import type { JsonObject, JsonValue } from './events/canonical-json.ts'
import { fitsBytes } from './identifiers.ts'

export interface Profile {
  displayname?: string
  avatar_url?: string
}

const MAX_KEY_BYTES = 255
const MAX_PROFILE_BYTES = 64 * 1024
/** Appendices §Common Namespaced Identifier Grammar. */
const NAMESPACED = /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+$/
const DEFINED: ReadonlySet<string> = new Set(['displayname', 'avatar_url', 'm.tz'])

/** The fields that member events repeat, and how long (bytes) they may be: each stands in every room of the user. */
const IN_ROOMS: Readonly<Record<string, number>> = { displayname: 1024, avatar_url: 1024 }

/** The fields of a member event that are a profile of valid length. */
export function profileInRooms(content: JsonObject): JsonObject {
  const fields = Object.entries(IN_ROOMS).filter(([key, bytes]) => {
    const value = content[key]
    return typeof value === 'string' && fitsBytes(value, bytes)
  })
  return Object.fromEntries(fields.map(([key]) => [key, content[key]]))
}

/** @throws MatrixError M_KEY_TOO_LARGE or M_INVALID_PARAM */
export function checkProfileKey(key: string): void {
  if (!fitsBytes(key, MAX_KEY_BYTES)) {
    throw new MatrixError(
      'M_KEY_TOO_LARGE',
      `The name of a profile field holds at most ${MAX_KEY_BYTES} bytes`,
    )
  }
  if (DEFINED.has(key) || NAMESPACED.test(key)) return
  throw new MatrixError('M_INVALID_PARAM', 'The name of a custom profile field must be like org.example.name')
}

/** @throws MatrixError M_BAD_JSON or M_INVALID_PARAM */
export function checkProfileValue(key: string, value: JsonValue): void {
  if (!DEFINED.has(key)) return
  if (typeof value !== 'string') throw new MatrixError('M_BAD_JSON', `${key} must be a string`)
  // No signed event can hold half a surrogate pair: the user could then join no room.
  if (!value.isWellFormed()) throw new MatrixError('M_BAD_JSON', `${key} must be well-formed Unicode`)
  const limit = IN_ROOMS[key] ?? MAX_KEY_BYTES
  if (!fitsBytes(value, limit)) {
    throw new MatrixError('M_INVALID_PARAM', `${key} must not be longer than ${limit} bytes`)
  }
}

/** "The total profile MUST be under 64 KiB." @throws MatrixError M_PROFILE_TOO_LARGE */
export function checkProfileSize(profile: JsonObject): void {
  if (Buffer.byteLength(JSON.stringify(profile)) < MAX_PROFILE_BYTES) return
  throw new MatrixError('M_PROFILE_TOO_LARGE', 'A profile holds less than 64 KiB')
}

/**
 * The content of a joined user's member event with the profile as it is now. "The `join_authorised_via_users_server`
 * key MUST NOT be copied": it belongs to the join alone, not to later events.
 */
export function withProfile(content: JsonObject, profile: JsonObject): JsonObject {
  const { join_authorised_via_users_server: _, ...kept } = content
  for (const key of Object.keys(IN_ROOMS)) {
    const value = profile[key]
    if (value === undefined) delete kept[key]
    else kept[key] = value
  }
  return kept
}
