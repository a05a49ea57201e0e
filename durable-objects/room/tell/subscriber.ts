/** One user who wants wakes of a Room, and what is known of them. */

export interface Subscriber {
  userId: string
  /** Raised by each pull: the answer to a wake that left before a pull says nothing about the time after it. */
  generation: number
  /** The position up to which this subscriber knows. */
  acked: number
  /** Until when a wake that is under way may be answered, ms; 0: no wake is under way. */
  wakingUntil: number
  failures: number
  retryAt: number
  /** The position of the newest thing that is news for this one alone: what a pull tells, and no increment. */
  own: number
  /** The position of the newest quiet news that this subscriber hears of at once, since it caused them. */
  did: number
}

/** One who knows what lies up to `acked`. */
export function subscriber(userId: string, acked: number): Subscriber {
  return { userId, generation: 0, acked, wakingUntil: 0, failures: 0, retryAt: 0, own: 0, did: 0 }
}
