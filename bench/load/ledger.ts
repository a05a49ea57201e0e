/** The account of a run: what was sent and acknowledged, what each client has seen of it and how late, and what went wrong. */

import type { Session } from '../client.ts'
import { markerOf, messagesBefore, type Timeline } from './timelines.ts'

/** Different errors that are told apart; the others are counted together. */
const MOST_ERRORS = 20
const OTHERS = 'others'

interface Message {
  sentAt: number
  /** Who is to see it: undefined until the server has acknowledged it. */
  readers: readonly Reader[] | undefined
}

/** A client has seen a message. */
export interface Delivery {
  /** When its send began, by `performance.now()`, ms. */
  sentAt: number
  /** From then until the client had it, ms. */
  latency: number
}

export class Ledger {
  readonly #messages = new Map<string, Message>()
  readonly deliveries: Delivery[] = []
  readonly errors: Record<string, number> = {}
  acknowledged = 0
  /** Messages that a client was told of more than once. */
  doubled = 0
  /** Times that an answer left messages out, and the client asked for them. */
  gaps = 0

  sending(marker: string): void {
    this.#messages.set(marker, { sentAt: performance.now(), readers: undefined })
  }

  /** The server has taken a message: each of the readers must see it. */
  acknowledge(marker: string, readers: readonly Reader[]): void {
    const message = this.#messages.get(marker)
    if (message === undefined) return
    message.readers = readers
    this.acknowledged += 1
  }

  /** A client sees a message for the first time. */
  arrived(marker: string): void {
    const message = this.#messages.get(marker)
    if (message === undefined) return
    const { sentAt } = message
    this.deliveries.push({ sentAt, latency: performance.now() - sentAt })
  }

  error(what: string): void {
    const isNew = this.errors[what] === undefined && Object.keys(this.errors).length >= MOST_ERRORS
    const name = isNew ? OTHERS : what
    this.errors[name] = (this.errors[name] ?? 0) + 1
  }

  /** Acknowledged messages that one of their readers has not seen, each counted for each such reader. */
  get lost(): number {
    let lost = 0
    for (const [marker, { readers = [] }] of this.#messages) {
      for (const reader of readers) if (!reader.knows(marker)) lost += 1
    }
    return lost
  }
}

/** What one client has seen. */
export class Reader {
  readonly session: Session
  readonly #ledger: Ledger
  readonly #seen = new Set<string>()

  constructor(session: Session, ledger: Ledger) {
    this.session = session
    this.#ledger = ledger
  }

  knows(marker: string): boolean {
    return this.#seen.has(marker)
  }

  /**
   * Takes an answer, and asks for what it leaves out.
   * @param isFirst the client had no position: it is told what it may have been told before
   */
  async take(timelines: readonly Timeline[], isFirst: boolean): Promise<void> {
    const gaps: Timeline[] = []
    const knewNothing = isFirst && this.#seen.size === 0
    for (const timeline of timelines) {
      for (const event of timeline.events) this.#see(markerOf(event), isFirst)
      if (timeline.gap !== undefined && !knewNothing) gaps.push(timeline)
    }
    for (const gap of gaps) await this.#fill(gap)
  }

  broke(what: string): void {
    this.#ledger.error(what)
  }

  #see(marker: string | undefined, isFirst: boolean): void {
    if (marker === undefined) return
    if (!this.#seen.has(marker)) this.#ledger.arrived(marker)
    else if (!isFirst) this.#ledger.doubled += 1
    this.#seen.add(marker)
  }

  /** The messages before a gap are looked for back to one that was known before this answer. */
  async #fill({ roomId, events, gap = '' }: Timeline): Promise<void> {
    const now = new Set(events.map(markerOf))
    const isOld = (marker: string) => this.#seen.has(marker) && !now.has(marker)
    this.#ledger.gaps += 1
    for (const marker of await messagesBefore(this.session, roomId, gap, isOld)) this.#see(marker, false)
  }
}
