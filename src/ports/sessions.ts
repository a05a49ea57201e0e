/** What Redis keeps of sessions: copies of those of devices, and the short-lived ones. */
import type { Session } from '../objects/user/session.ts'
import type { JsonObject } from '../protocol/events/canonical-json.ts'

/** The write-through copy of the User object's device row. Only the User object writes it. */
export interface SessionStore {
  /** Whether there are copies at all; without them the User object decides. */
  readonly isKept: boolean
  /**
   * The session, or undefined where Redis does not vouch for it: the User object then decides.
   * @throws if Redis fails, failed a moment ago, or takes longer than it usually does: the User object then decides too
   */
  get(sessionId: string): Promise<Session | undefined>
  /**
   * Vouches for the session, unless it was removed: a session that has ended stays ended, in whatever order writes
   * arrive.
   */
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

export interface OpenIdTokenStore {
  /** A token that proves the user's identity to third parties, and nothing else, for so long. */
  put(token: string, userId: string, seconds: number): Promise<void>
  find(token: string): Promise<string | undefined>
}
