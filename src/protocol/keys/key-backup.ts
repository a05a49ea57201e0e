/** Client-Server API §Server-side key backups: which of two backed-up keys is the better one, and how large one may be. */
import type { JsonObject } from '../events/canonical-json.ts'

/** What the server reads of a backed-up key; what is in `session_data` only the user's clients can read. */
export interface KeyBackupData extends JsonObject {
  first_message_index: number
  forwarded_count: number
  is_verified: boolean
  session_data: JsonObject
}

/** Bytes of one key's JSON, or of a version's `auth_data`: a key of a room has less than one KiB. */
export const MAX_BACKUP_BYTES = 65_536

/** Keys that one call carries at most, */
export const KEYS_AT_ONCE = 500
/** and characters of their JSON: some small change less than what one RPC value may have. */
export const LENGTH_AT_ONCE = 800_000

/** What a key adds to the JSON of the call that carries it. Its own JSON is a string there, with every quote escaped. */
export function lengthInCall(roomId: string, sessionId: string, data: string): number {
  return JSON.stringify({ roomId, sessionId, data }).length + 1
}

/**
 * Whether a key replaces one that is there: "if the keys have different values for `is_verified`, then it will keep the
 * key that has `is_verified` set to true; if they have the same values for `is_verified`, then it will keep the key
 * with a lower `first_message_index`; and finally, if [these] are equal, then it will keep the key with a lower
 * `forwarded_count`".
 */
export function replacesKey(stored: KeyBackupData, offered: KeyBackupData): boolean {
  if (stored.is_verified !== offered.is_verified) return offered.is_verified
  if (stored.first_message_index !== offered.first_message_index) {
    return offered.first_message_index < stored.first_message_index
  }
  return offered.forwarded_count < stored.forwarded_count
}
