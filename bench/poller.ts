/** One client's long poll, on a connection of its own: asks again from where the last answer left it, and goes on after a break. */

import type { Connection, HttpClient, Reply } from './http.ts'
import { pause } from './measure.ts'

const AFTER_BREAK_MS = 200

/** How a client polls, and what becomes of the answers. */
export interface Poll {
  /** The request's bytes, from a position or from the beginning. */
  request(since: string | undefined): string
  /** Takes an answer; answers the position after it. @throws Error where it is no success */
  take(reply: Reply, since: string | undefined): string | Promise<string>
  broke(error: unknown): void
}

export class Poller {
  since: string | undefined
  readonly #http: HttpClient
  readonly #poll: Poll
  #connection: Connection
  #stopped = false

  constructor(http: HttpClient, poll: Poll) {
    this.#http = http
    this.#poll = poll
    this.#connection = http.connect()
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (this.#connection.closed) this.#connection = this.#http.connect()
        const reply = await this.#connection.exchange(this.#poll.request(this.since))
        if (this.#stopped) return
        this.since = await this.#poll.take(reply, this.since)
      } catch (error) {
        if (this.#stopped) return
        this.#poll.broke(error)
        this.#connection.destroy()
        await pause(AFTER_BREAK_MS)
      }
    }
  }

  stop(): void {
    this.#stopped = true
    this.#connection.destroy()
  }
}
