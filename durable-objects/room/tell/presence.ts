/**
 * Presence in a room: what members announce is gathered in memory, and told in sums to those who want to hear. There is
 * no storage for it and no position: what an eviction takes is asked for again.
 */

import type { PresenceNews, PresenceState } from '../../../src/objects/user/presence.ts'
import { PacedWork } from '../../../src/paced-work.ts'
import { compareStates } from '../../../src/protocol/presence.ts'
import { inTurns } from '../../../src/worker-pool.ts'
import { isSmall, type RowReader } from '../rows/reader.ts'

export interface RoomPresenceParts {
  /** The subscribers; nobody in a large room. */
  audience: () => string[]
  /** Tells a user, and answers what that user is. */
  tell: (userId: string, news: PresenceNews[]) => Promise<PresenceState>
  now: () => number
}

/** In larger rooms nobody is told: presence there would cost more than all the rest. */
const MAX_MEMBERS = 100
/** How often a room tells, ms. */
const EVERY_MS = 1_000
/** How many are told at a time. */
const AT_ONCE = 6

/** What is known of a member. News are numbered as they come. */
interface Known {
  state: PresenceState
  /** The number of the news that made it known. */
  first: number
  /** The number of the newest news of it; 0: none, of somebody who was found to be gone. */
  last: number
  /** The number of the news that they have come into the room; 0: they have not. */
  met: number
  /** The member did not announce this state: an answer showed it. Only newcomers have not heard of it. */
  found: boolean
}

interface Hearer {
  /** The number of the newest news when they were told last. */
  told: number
  /** They have announced themselves to this incarnation, and want to know who else is there. */
  isNewcomer: boolean
  /** They have come into the room: what they hear of somebody for the first time is news to them. */
  met: boolean
}

const STRANGER: Hearer = { told: 0, isNewcomer: false, met: false }

/** Whether the room is small enough for its members to hear of each other. */
export function tellsPresence(store: RowReader): boolean {
  return isSmall(store, MAX_MEMBERS)
}

export class RoomPresence {
  readonly #parts: RoomPresenceParts
  readonly #known = new Map<string, Known>()
  readonly #hearers = new Map<string, Hearer>()
  readonly #telling: PacedWork
  #newest = 0

  constructor(parts: RoomPresenceParts) {
    this.#parts = parts
    this.#telling = new PacedWork({ everyMs: EVERY_MS, now: parts.now, work: () => this.#tellAll() })
  }

  /**
   * Takes a member's state. Answers the states of the other subscribers, as far as they are known: the others are asked
   * by the call that tells them.
   * @param met they have just come into the room
   */
  announce(state: PresenceState, met: boolean): PresenceState[] {
    const { userId } = state
    this.#take(state, { met })
    const waited = this.#hearers.has(userId) ? this.#owedTo(userId).map((news) => news.state) : []
    const hasMet = met || this.#hearers.get(userId)?.met === true
    this.#hearers.set(userId, { told: this.#newest, isNewcomer: true, met: hasMet })
    const others = this.#parts.audience().filter((other) => other !== userId)
    return [...waited, ...others.flatMap((other) => this.#known.get(other)?.state ?? [])]
  }

  /** A user wants to hear from now on. */
  listens(userId: string): void {
    if (this.#owedTo(userId).length > 0) this.#telling.ask()
  }

  /** A user has left the room. */
  forget(userId: string): void {
    this.#known.delete(userId)
    this.#hearers.delete(userId)
  }

  // ------------------------------------------------------------ inside

  #take(state: PresenceState, { met = false, found = false }): void {
    const { userId } = state
    const known = this.#known.get(userId)
    const change = compareStates(state, known?.state)
    if (change === 'older') return
    if (known !== undefined && change === 'same' && !met) {
      // When they last did something is newer, perhaps.
      known.state = state
      return
    }
    const isNews = known !== undefined || !found || state.presence !== 'offline'
    if (isNews) this.#newest += 1
    const last = isNews ? this.#newest : 0
    this.#known.set(userId, {
      state,
      first: known?.first || last,
      last,
      met: met ? last : (known?.met ?? 0),
      found: found && known === undefined,
    })
    if (isNews) this.#telling.ask()
  }

  #owedTo(userId: string): PresenceNews[] {
    const { told, isNewcomer, met } = this.#hearers.get(userId) ?? STRANGER
    const news: PresenceNews[] = []
    if (told === this.#newest) return news
    for (const [other, known] of this.#known) {
      if (known.last <= told || other === userId || (known.found && !isNewcomer)) continue
      news.push({ state: known.state, met: known.met > told || (met && known.first > told) })
    }
    return news
  }

  /** An idle user is told later that others are idle too: with the next presence, or when they are back. */
  #isDue(userId: string): boolean {
    const owed = this.#owedTo(userId)
    if (this.#known.get(userId)?.state.presence !== 'unavailable') return owed.length > 0
    return owed.some(({ state, met }) => met || state.presence !== 'unavailable')
  }

  #tellAll(): boolean {
    const due = this.#parts.audience().filter((userId) => this.#isDue(userId))
    if (due.length === 0) return false
    void inTurns(due, AT_ONCE, (userId) => this.#tell(userId))
    return true
  }

  /** Marked as told before it is sent. One who could not be reached is told with the next news. */
  async #tell(userId: string): Promise<void> {
    const news = this.#owedTo(userId)
    // They may have left while others were told.
    if (news.length === 0 || !this.#parts.audience().includes(userId)) return
    const before = this.#hearers.get(userId) ?? STRANGER
    const after = { ...before, told: this.#newest }
    this.#hearers.set(userId, after)
    try {
      this.#take(await this.#parts.tell(userId, news), { found: true })
    } catch {
      if (this.#hearers.get(userId) === after) this.#hearers.set(userId, before)
    }
  }
}
