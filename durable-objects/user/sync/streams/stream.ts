/**
 * What a sync reads: one stream for each kind of news. An answer is a fold over them, a client waits while none of them
 * is behind, and a codec turns what they gave into the body of an endpoint.
 */
import type { Increment, RoomSlice } from '../../../../src/objects/room/sync.ts'
import type { SyncToken } from '../sync-token.ts'

/** From where to where an answer goes. */
export interface Span {
  /** Absent for an initial sync, and for a token whose epoch is gone. */
  token: SyncToken | undefined
  /** A token was given, but its epoch is gone: the answer is that after a long absence. */
  absent: boolean
  /** The positions of the user's own log. */
  since: number
  own: number
}

/** A first sync, and not the answer after a long absence. */
export function isInitial({ token, absent }: Span): boolean {
  return token === undefined && !absent
}

/** News with a place of its own in the token. What lies after that place, each stream gives in a form of its own. */
export interface Stream {
  /** Whether a client with this token may lack something. Asked at each wake of each that waits: no storage. */
  behind(token: SyncToken, deviceId: string): boolean
}

/** News of a room besides its events. Its place is the position of the room: a client lacks all of it or nothing. */
export interface RoomPart {
  /** Puts into a slice what increments tell after a position, as the Room itself would have answered a pull. */
  take(increments: readonly Increment[], since: number, slice: RoomSlice): void
}
