/** How often one invocation may still call others: the platform ends one that calls too often, with all that it does. */

/** An invocation may make 500 calls. The others are for what it does besides, such as asking for keys. */
const MOST_CALLS = 200

export class CallBudget {
  #left = MOST_CALLS

  /** Whether one call more may be made: it is counted then. */
  take(): boolean {
    if (this.#left === 0) return false
    this.#left -= 1
    return true
  }
}
