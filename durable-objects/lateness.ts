/**
 * How far this machine is behind, as far as an isolate can tell: how late turns come that were due at a known time. All
 * objects of an isolate share one thread, so what one of them meets holds for all. News wait for company by it: where
 * turns are late the pause between two answers grows, until they are late no more (decision 18).
 */

import { takeFault } from '../src/faults.ts'

/** Turns may be this late, ms: a pause that makes them less late makes everybody wait for nothing. */
const WANTED_MS = 12
/** By how many ms a second the pause grows for each ms by which turns are too late, and by how many it shrinks. */
const GROWTH = 8
const SHRINKING = 32
/** News never wait longer for company, ms. */
const LONGEST_MS = 2_000
/** How much of the lateness the newest turn counts for. */
const NEWEST = 0.3
/** What was measured longer ago says nothing of now, ms. */
const STALE_MS = 1_000
/** Tests: the pause of a machine that is behind, ms. */
const A_MOMENT_MS = 300
/** One turn speaks for no more time than this, ms. */
const LONGEST_STEP_MS = 100

export class Lateness {
  /** How late turns come, ms, smoothed. */
  #late = 0
  #pause = 0
  #turnedAt = Number.NEGATIVE_INFINITY

  /** A turn that was due at a time (ms) has come. */
  turned(due: number, now: number): void {
    const since = now - this.#turnedAt
    if (since > STALE_MS) {
      this.#late = 0
      this.#pause = 0
    }
    this.#turnedAt = now
    this.#late += NEWEST * (Math.max(0, now - due) - this.#late)
    const beyond = this.#late - WANTED_MS
    const step = (Math.min(since, LONGEST_STEP_MS) / 1_000) * (beyond > 0 ? GROWTH : SHRINKING) * beyond
    this.#pause = Math.min(LONGEST_MS, Math.max(0, this.#pause + step))
  }

  /** How long somebody who was told a moment ago waits for more news, ms: 0 on a machine that keeps up. */
  pause(now: number): number {
    if (takeFault('machine:behind')) return A_MOMENT_MS
    return now - this.#turnedAt > STALE_MS ? 0 : this.#pause
  }
}

/** Of this isolate. */
export const lateness = new Lateness()
