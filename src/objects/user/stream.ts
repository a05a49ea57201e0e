/** What is asked of a User object for a socket on which a client is told of everything: `docs/stream.md`. */
import type { PresenceValue } from './presence.ts'
import type { Session } from './session.ts'

/** A client that is about to open a stream. */
export interface StreamRequest {
  session: Session
  /** When the client's token expires, ms; absent: never. */
  expiresAt?: number
  /** The position to go on from; absent: from the beginning. */
  since?: string
  /** A filter id, or inline JSON. */
  filter?: string
  stateAfter: boolean
  /** What the device says of itself; `offline`: nothing. */
  presence: PresenceValue
}
