/** What Redis keeps: copies of sessions, and what is short-lived. */
import type { JsonObject } from '../protocol/events/canonical-json.ts'

/** Who a request speaks for. */
export interface Session {
  userId: string
  deviceId: string
  sessionId: string
  /** The account is a guest's, and may do little. */
  guest?: boolean
}

/** The write-through copy of the User object's device row. Only the User object writes it. */
export interface SessionStore {
  /**
   * The session, or undefined where Redis does not vouch for it: the User object then decides.
   * @throws when Redis fails, failed a moment ago, or gives no answer in 150 ms: the User object then decides too
   */
  get(sessionId: string): Promise<Session | undefined>
  /** Vouches for it, unless it was removed: a session that has ended stays ended, whatever overtakes whatever. */
  put(session: Session): Promise<void>
  remove(sessionIds: string[]): Promise<void>
}

/** An interactive-auth session: Client-Server API §User-Interactive Authentication API. */
export interface UiaSession {
  id: string
  /** Method and path the session belongs to. */
  endpoint: string
  /** The body of the first call, without `auth`. */
  body: JsonObject
  completed: string[]
  /** What completed stages proved, such as the registration token. */
  facts: Record<string, string>
}

export interface UiaStore {
  get(id: string): Promise<UiaSession | undefined>
  /** Kept for an hour after the last write. */
  put(session: UiaSession): Promise<void>
  /** Ends a session; true once for each. */
  take(id: string): Promise<boolean>
}

export interface NonceStore {
  /** A nonce for shared-secret registration, good for a minute. */
  put(nonce: string): Promise<void>
  /** True once for each nonce. */
  take(nonce: string): Promise<boolean>
}

/** Rooms that were just made: the archive learns of them later. */
export interface RoomNotes {
  /** Kept for a day. */
  put(roomId: string): Promise<void>
  /** Of these rooms, those that have a note. */
  of(roomIds: string[]): Promise<string[]>
}

export interface OpenIdTokenStore {
  /** A token that proves to third parties who the user is, and nothing else, for so long. */
  put(token: string, userId: string, seconds: number): Promise<void>
  find(token: string): Promise<string | undefined>
}

/** MSC4108: a text that two devices hand to and fro, with the number of the write it came by. */
export interface Rendezvous {
  version: number
  payload: string
  modifiedTs: number
  expiresTs: number
}

export interface RendezvousStore {
  create(id: string, payload: string, lifetimeMs: number): Promise<Rendezvous>
  find(id: string): Promise<Rendezvous | undefined>
  /** Writes over `version` alone: of two who do, one is told `changed`. `spent`: there have been too many writes. */
  replace(id: string, version: number, payload: string): Promise<Rendezvous | 'gone' | 'changed' | 'spent'>
  /** False when there is no such session. */
  remove(id: string): Promise<boolean>
}

/** At most `count` actions in `seconds`, for each key. */
export interface RateLimit {
  action: string
  count: number
  seconds: number
}

export interface RateLimiter {
  /** Counts one action for each of the keys (an account, an address); answers undefined, or the ms to wait. */
  hit(limit: RateLimit, keys: string[]): Promise<number | undefined>
  /** How many were counted for each of the keys in the window that ends in so many ms. */
  counted(limit: RateLimit, keys: string[]): Promise<{ counts: number[]; endsInMs: number }>
}
