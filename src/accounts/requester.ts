/** The requester: decided once, by what a request shows, and handed on to the code that acts for it. */
import type { Session } from '../objects/user/session.ts'

/**
 * A user, by a device of theirs or as a guest. An application service or an OAuth client that acts for a user will be
 * a further kind, with what it may do beside it.
 */
export interface UserRequester {
  kind: 'device' | 'guest'
  userId: string
  deviceId: string
  /** By this the objects know the requester. */
  session: Session
}

/** The people who run the server, by their own token. */
export interface OperatorRequester {
  kind: 'operator'
}

export type Requester = UserRequester | OperatorRequester

/** The user whose session this is. */
export function requesterOf(session: Session): UserRequester {
  const { userId, deviceId, guest } = session
  return { kind: guest === true ? 'guest' : 'device', userId, deviceId, session }
}

/** The user, if the requester is one. */
export function askingUser(requester: Requester | undefined): string | undefined {
  return requester === undefined || requester.kind === 'operator' ? undefined : requester.userId
}
