/** An awake user: long-polls /sync on a connection of its own and tells when a marked message came. */

import { readSync, type Session, syncNow, syncPath } from './client.ts'
import type { Connection, Reply } from './http.ts'

const POLL_MS = 30_000
const DELIVERY_LIMIT_MS = 60_000

interface Expectation {
  resolve(at: number): void
  reject(error: Error): void
  timer: NodeJS.Timeout
}

export class Receiver {
  readonly #session: Session
  #connection: Connection
  readonly #expected = new Map<string, Expectation>()
  #since: string
  #stopped = false
  #failure: Error | undefined

  private constructor(session: Session, since: string) {
    this.#session = session
    this.#since = since
    this.#connection = session.http.connect()
  }

  /** Syncs once so that only news comes from here on, then begins to poll. */
  static async start(session: Session): Promise<Receiver> {
    const { nextBatch } = await syncNow(session)
    const receiver = new Receiver(session, nextBatch)
    void receiver.#poll()
    return receiver
  }

  /** Resolves with the clock's time at which an answer holding the marker was read whole. */
  expect(marker: string): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const delivered = new Promise<number>((resolve, reject) => {
      const lost = () =>
        reject(new Error(`message ${marker} did not reach ${this.#session.userId} in a minute`))
      this.#expected.set(marker, { resolve, reject, timer: setTimeout(lost, DELIVERY_LIMIT_MS) })
    })
    // It may fail while its reader still waits for the send: the reader sees it then, not the process.
    delivered.catch(() => undefined)
    return delivered
  }

  stop(): void {
    this.#stopped = true
    this.#connection.destroy()
    for (const { timer } of this.#expected.values()) clearTimeout(timer)
  }

  async #poll(): Promise<void> {
    const { http, token } = this.#session
    while (!this.#stopped) {
      try {
        const reply = await this.#ask(http.encode('GET', syncPath(this.#since, POLL_MS), token))
        const at = performance.now()
        const answer = readSync(reply.status, reply.body)
        this.#since = answer.nextBatch
        this.#settle(answer.text, at)
      } catch (error) {
        this.#fail(
          new Error(
            `the long poll of ${this.#session.userId}: ${error instanceof Error ? error.message : error}`,
          ),
        )
        return
      }
    }
  }

  /** A kept connection may be closed by the server in the moment it is used again. */
  async #ask(bytes: string): Promise<Reply> {
    const connection = this.#connection
    try {
      return await connection.exchange(bytes)
    } catch (error) {
      if (this.#stopped || connection.answering || !connection.used) throw error
      this.#connection = this.#session.http.connect()
      return this.#connection.exchange(bytes)
    }
  }

  #settle(text: string, at: number): void {
    for (const [marker, { resolve, timer }] of this.#expected) {
      if (!text.includes(marker)) continue
      clearTimeout(timer)
      this.#expected.delete(marker)
      resolve(at)
    }
  }

  #fail(error: Error): void {
    if (this.#stopped) return
    this.#failure = error
    for (const { reject, timer } of this.#expected.values()) {
      clearTimeout(timer)
      reject(error)
    }
    this.#expected.clear()
  }
}

/** Starts a receiver for each session, some at a time, and gives them a moment to be waiting. */
export async function wakeAll(sessions: readonly Session[], width = 16): Promise<Receiver[]> {
  const receivers: Receiver[] = []
  for (let at = 0; at < sessions.length; at += width) {
    receivers.push(...(await Promise.all(sessions.slice(at, at + width).map(Receiver.start))))
  }
  await new Promise((resolve) => setTimeout(resolve, 300))
  return receivers
}

/** Runs `work` with these users awake and lets them go whatever happens. */
export async function withAwake<T>(
  sessions: readonly Session[],
  work: (receivers: Receiver[]) => Promise<T>,
): Promise<T> {
  const receivers = await wakeAll(sessions)
  try {
    return await work(receivers)
  } finally {
    for (const receiver of receivers) receiver.stop()
  }
}
