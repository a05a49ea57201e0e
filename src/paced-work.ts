/** Work that many ask for, and that is done once for all who have asked meanwhile. */

export interface PacedWorkOptions {
  /** At least this long lies between one time and the next, ms. It is also how long a pending one keeps an object awake. */
  everyMs: number
  now: () => number
  /** Answers whether there was anything to do: if not, the next one need not wait. */
  work: () => boolean
}

export class PacedWork {
  readonly #options: PacedWorkOptions
  #timer: ReturnType<typeof setTimeout> | undefined
  /** When it was done last, ms. */
  #doneAt = Number.NEGATIVE_INFINITY

  constructor(options: PacedWorkOptions) {
    this.#options = options
  }

  /** Asks for it: in the next turn after a rest, or when the time since the last one is over. */
  ask(): void {
    if (this.#timer !== undefined) return
    const { everyMs, now } = this.#options
    const rest = Math.min(everyMs, Math.max(0, this.#doneAt + everyMs - now()))
    this.#timer = setTimeout(() => this.do(), rest)
  }

  /** Does it now, for whoever has asked. */
  do(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#options.work()) this.#doneAt = this.#options.now()
  }
}
