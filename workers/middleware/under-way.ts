/** Counts what is under way in this isolate. */

/** Work that has not ended by now was cut off, as the platform does when a client has gone, ms. */
const LOST_MS = 30_000

export class UnderWay {
  /** When each began, ms, oldest first. */
  readonly #begun = new Map<number, number>()
  #tickets = 0

  /** How many are under way. Nothing tells of the end of work that was cut off: it counts for half a minute. */
  count(now: number): number {
    for (const [ticket, begun] of this.#begun) {
      if (now - begun < LOST_MS) break
      this.#begun.delete(ticket)
    }
    return this.#begun.size
  }

  /** Counts one more. Answers the function that ends it. */
  begin(now: number): () => void {
    this.#tickets += 1
    const ticket = this.#tickets
    this.#begun.set(ticket, now)
    return () => {
      this.#begun.delete(ticket)
    }
  }
}
