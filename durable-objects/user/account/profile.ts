/** The user's profile: one row a field, custom ones included. */
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import type { JsonObject, JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import type { Profile } from '../../../src/protocol/profile.ts'
import { checkProfileKey, checkProfileSize, checkProfileValue } from '../../../src/protocol/profile.ts'
import type { SqlReader } from '../../sqlite.ts'
import { coverTexts } from '../../wipe.ts'

export const PROFILE_TABLE = `
  -- Values are JSON.
  CREATE TABLE profile (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`

export type ProfileRow = { key: string; value: string }
type Archived = Omit<UserLogEntry, 'seq'>

/** All fields, or these. */
export function profileFields(sql: SqlReader, wanted?: readonly string[]): JsonObject {
  const rows = sql.exec<ProfileRow>('SELECT key, value FROM profile ORDER BY key').toArray()
  const shown = rows.filter(({ key }) => wanted?.includes(key) ?? true)
  return Object.fromEntries(shown.map(({ key, value }) => [key, JSON.parse(value) as JsonValue]))
}

/** The part that member events carry. */
export function roomProfile(sql: SqlStorage): Profile {
  const { displayname, avatar_url } = profileFields(sql)
  const profile: Profile = {}
  if (typeof displayname === 'string') profile.displayname = displayname
  if (typeof avatar_url === 'string') profile.avatar_url = avatar_url
  return profile
}

/**
 * Sets a field, or with `undefined` takes it away; an empty name or avatar is none. Answers what to archive:
 * nothing, where nothing changed.
 * @throws MatrixError M_KEY_TOO_LARGE, M_INVALID_PARAM, M_BAD_JSON or M_PROFILE_TOO_LARGE
 */
export function setProfileField(sql: SqlStorage, key: string, value: JsonValue | undefined): Archived[] {
  checkProfileKey(key)
  if (value !== undefined) checkProfileValue(key, value)
  const fields = profileFields(sql)
  const wanted = value === '' ? undefined : value
  const body = wanted === undefined ? null : JSON.stringify(wanted)
  const known = fields[key] === undefined ? null : JSON.stringify(fields[key])
  if (body === known) return []
  if (body === null) {
    coverTexts(sql, 'profile', 'value', { clause: 'key = ?', values: [key] })
    sql.exec('DELETE FROM profile WHERE key = ?', key)
  } else {
    checkProfileSize({ ...fields, [key]: wanted! })
    coverTexts(sql, 'profile', 'value', { clause: 'key = ?', values: [key] })
    sql.exec('INSERT OR REPLACE INTO profile (key, value) VALUES (?, ?)', key, body)
  }
  return [{ kind: 'profile', key, body }]
}

/** Sets the fields that rooms are shown. Answers what to archive. @throws MatrixError as `setProfileField` */
export function setProfile(sql: SqlStorage, fields: Profile): Archived[] {
  return Object.entries(fields).flatMap(([key, value]) => setProfileField(sql, key, value))
}

/** Takes all fields away. */
export function clearProfile(sql: SqlStorage): Archived[] {
  const keys = Object.keys(profileFields(sql))
  coverTexts(sql, 'profile', 'value')
  sql.exec('DELETE FROM profile')
  return keys.map((key) => ({ kind: 'profile', key, body: null }))
}
