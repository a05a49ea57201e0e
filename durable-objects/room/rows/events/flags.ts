/** What the column `flags` of an event says: 0 for an event that clients see. */

/** What the room made of an event: Server-Server API §Checks performed on receipt of a PDU. */
export type Verdict = 'accepted' | 'rejected' | 'soft-failed' | 'outlier'

export const FLAGS: Readonly<Record<Verdict, number>> = {
  accepted: 0,
  /** The rules refused it: never shown, and in no state. */
  rejected: 1,
  /** Allowed where it stands, refused by the room as it is now: not shown until an event after it is allowed. */
  'soft-failed': 2,
  /** Nothing is known of the state before it. */
  outlier: 4,
}

/** @param flags one of `FLAGS` */
export function verdictOf(flags: number): Verdict {
  const verdicts: readonly Verdict[] = ['accepted', 'rejected', 'soft-failed', 'outlier']
  return verdicts.find((verdict) => FLAGS[verdict] === flags) ?? 'rejected'
}
