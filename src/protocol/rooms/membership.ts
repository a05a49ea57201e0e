/** A user's standing in a room. */
import type { StateMap } from '../events/event.ts'

export type Membership = 'join' | 'invite' | 'knock' | 'leave' | 'ban'

const MEMBERSHIPS: ReadonlySet<unknown> = new Set<Membership>(['join', 'invite', 'knock', 'leave', 'ban'])

/** Whether a value names a membership the protocol knows. */
export function isMembership(value: unknown): value is Membership {
  return MEMBERSHIPS.has(value)
}

/** The membership a user has in this state, or undefined when they never had one. */
export function membershipIn(state: StateMap, userId: string): Membership | undefined {
  const membership = state.get('m.room.member', userId)?.pdu.content.membership
  return isMembership(membership) ? membership : undefined
}
