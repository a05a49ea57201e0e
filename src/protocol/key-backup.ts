/** Client-Server API §Server-side key backups: which of two backed-up keys is the better one. */
import type { JsonObject } from './canonical-json.ts'

/** What the server reads of a backed-up key; what is in `session_data` only the user's clients can read. */
export interface KeyBackupData extends JsonObject {
  first_message_index: number
  forwarded_count: number
  is_verified: boolean
  session_data: JsonObject
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
