/** The requester: decided once, from what a request shows, and handed on to the code that acts for it. */
import type { Session } from '../objects/user/session.ts'

/**
 * A user, by one of their devices or as a guest. An application service or an OAuth client that acts for a user will be
 * another kind, with what it may do.
 */
export interface UserRequester {
  kind: 'device' | 'guest'
  userId: string
  deviceId: string
  /** By this the objects know the requester. */
  session: Session
}

/** The people that run the server, by a token of their own. */
export interface OperatorRequester {
  kind: 'operator'
}

/** A system that reads the event stream, by a token with a scope; without an id it is the operator. */
export interface ConsumerRequester {
  kind: 'consumer'
  /** By this the partitions know whether the token was revoked. */
  tokenId: string | undefined
  topics: readonly string[]
  /** The one consumer group for which it may act; undefined: any. */
  group?: string
  /** ms. */
  expiresAt?: number
}

/** Another server, by its signature of the request. */
export interface ServerRequester {
  kind: 'server'
  origin: string
}

export type Requester = UserRequester | OperatorRequester | ConsumerRequester | ServerRequester

/** The user whose session this is. */
export function requesterOf(session: Session): UserRequester {
  const { userId, deviceId, guest } = session
  return { kind: guest === true ? 'guest' : 'device', userId, deviceId, session }
}

/** The user, if the requester is one. */
export function askingUser(requester: Requester | undefined): string | undefined {
  return requester !== undefined && 'userId' in requester ? requester.userId : undefined
}
