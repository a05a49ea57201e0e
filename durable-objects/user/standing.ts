/** How the user's membership of a room came about: whether somebody removed them from it. */
import type { Membership } from '../../src/protocol/rooms/membership.ts'

export interface Standing {
  membership: Membership
  was: Membership | null
  /** Another user changed it. */
  byOther: boolean
}

/** What follows from what was known, and a member event. An event of the same membership changes nothing. */
export function standingAfter(
  known: Standing | undefined,
  { membership, byOther }: Pick<Standing, 'membership' | 'byOther'>,
): Standing {
  if (known?.membership === membership) return known
  return { membership, was: wasBefore(known, membership), byOther }
}

/** A user who was removed and is then banned was banned from a room that they had been in. */
export function wasBefore(known: Standing | undefined, membership: Membership): Membership | null {
  const wasRemoved = known?.membership === 'leave' && isRemoved(known)
  return wasRemoved && membership === 'ban' ? 'join' : (known?.membership ?? null)
}

/** Whether the user was in the room until they were kicked or banned. */
export function isRemoved({ membership, was, byOther }: Standing): boolean {
  return isGone(membership) && byOther && was === 'join'
}

export function isGone(membership: Membership): boolean {
  return membership === 'leave' || membership === 'ban'
}
