/**
 * What a Room has resolved lately, in events. An object has one thread, so a Room rests after much resolving: other calls
 * have nine tenths of its time. It gathers meanwhile what would make it resolve again. Kept in memory alone.
 */

/** For each event that a resolution reads: more than ten times what it takes. */
const REST_MS = 0.5
/** No rest is due before so much has come together: ordinary forks are resolved at once. */
const GRACE_MS = 1_000

export class ResolutionLoad {
  #read = 0
  /** When the Room will have rested for all of it. */
  #restedAt = 0
  readonly #graceMs: number

  constructor(graceMs = GRACE_MS) {
    this.#graceMs = graceMs
  }

  /** Notes a resolution that read so many events. */
  note(events: number): void {
    this.#read += events
  }

  /** When the Room may resolve again; undefined: now. */
  restsUntil(now: number): number | undefined {
    this.#restedAt = Math.max(this.#restedAt, now) + this.#read * REST_MS
    this.#read = 0
    const until = this.#restedAt - this.#graceMs
    return until > now ? Math.ceil(until) : undefined
  }
}
