/**
 * What the tables were asked since the last mutation: many members ask for the same, above all when they come at once.
 * Requests share what is kept: nobody changes it.
 */

import { shared } from '../../../src/limiter.ts'

/** Characters of what is kept. Then all is asked anew: a Room shares its memory with many others. */
const MOST_LENGTH = 1_000_000
/** What an answer counts for at least. */
const LEAST_LENGTH = 100

export class Recall {
  #answers = new Map<string, unknown>()
  #views = new WeakMap<object, Map<string, unknown>>()
  #length = 0
  /** Mutations under way: what they read may be changed by the next statement. */
  #mutations = 0

  /**
   * The answer to a question, read where it is not kept.
   * @param lengthOf characters of the texts in it
   */
  once<T>(question: string, read: () => T, lengthOf: (answer: T) => number = () => 0): T {
    if (this.#mutations > 0) return read()
    if (this.#answers.has(question)) return this.#answers.get(question) as T
    const answer = shared(read())
    this.#length += LEAST_LENGTH + lengthOf(answer)
    if (this.#length > MOST_LENGTH) this.forget()
    this.#answers.set(question, answer)
    return answer
  }

  /** The answer to a question, if it is kept. */
  kept<T>(question: string): T | undefined {
    return this.#mutations > 0 ? undefined : (this.#answers.get(question) as T | undefined)
  }

  /** What is made of a row, by the name of it; kept for as long as somebody keeps the row. */
  viewOf<Row extends object, T>(row: Row, name: string, make: (row: Row) => T): T {
    if (this.#mutations > 0) return make(row)
    const views = this.#views.get(row) ?? new Map<string, unknown>()
    if (views.has(name)) return views.get(name) as T
    const view = shared(make(row))
    views.set(name, view)
    this.#views.set(row, views)
    return view
  }

  /** Keeps nothing while `work` writes, and nothing from before it. */
  mutating<T>(work: () => T): T {
    this.#mutations += 1
    try {
      return work()
    } finally {
      this.#mutations -= 1
      this.forget()
    }
  }

  forget(): void {
    this.#answers = new Map()
    this.#views = new WeakMap()
    this.#length = 0
  }
}
