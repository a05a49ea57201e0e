/** Work that many ask for, and that is done once for all who have asked meanwhile. */
import { asUnderWay } from './limiter.ts'

export interface PacedWorkOptions {
  /** How long the work rests between two times, ms, and so for how long a pending one keeps an object in memory. */
  everyMs: number
  now: () => number
  /** Answers whether there was anything to do: if not, the next time need not wait. */
  work: () => boolean
}

export class PacedWork {
  readonly #options: PacedWorkOptions
  /** Ends the pending work. */
  #cancel: (() => void) | undefined
  /** When it was done last, ms. */
  #doneAt = Number.NEGATIVE_INFINITY

  constructor(options: PacedWorkOptions) {
    this.#options = options
  }

  /** Asks for the work: it is done in the next turn if it has rested, and else once it has. */
  ask(): void {
    if (this.#cancel !== undefined) return
    const { everyMs, now } = this.#options
    const rest = Math.min(everyMs, Math.max(0, this.#doneAt + everyMs - now()))
    void asUnderWay(
      () =>
        new Promise<void>((resolve) => {
          const timer = setTimeout(() => this.do(), rest)
          this.#cancel = () => {
            clearTimeout(timer)
            resolve()
          }
        }),
    )
  }

  /** Does it now, for all who have asked. */
  do(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#options.work()) this.#doneAt = this.#options.now()
  }
}
