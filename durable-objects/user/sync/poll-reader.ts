/** What a poll asks for, whichever endpoint it came by: how it is answered, and whether it has to be. */
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { SyncAnswer } from './codecs/codec.ts'

export interface PollReader {
  /** What lies after a token, asking the Rooms that may have moved; undefined: a first request. */
  read(token: string | undefined): Promise<SyncAnswer>
  /** The same from what is at hand; undefined where a Room or another user's object must be asked. */
  readAtOnce(token: string): SyncAnswer | undefined
  /** Whether a waiting client with this token may be missing something. Asked at each wake: no storage. */
  behind(token: string): boolean
  /** What stands beside the token where there is nothing to tell. */
  empty(): JsonObject
}
