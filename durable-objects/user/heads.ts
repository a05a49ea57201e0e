/** What a User object knows of its rooms' heads, durably and for now: the part of the sync contract that wakes feed. */
import type { Increment, News } from '../../src/ports.ts'

/** Rooms whose newest increments are kept, and events a room: what a poll between two wakes is answered from. */
const KEPT_ROOMS = 200
const KEPT_EVENTS = 64

/** Increments that join without a gap. */
interface Chain {
  from: number
  to: number
  increments: Increment[]
}

/** A pull under way. */
export interface Question {
  room: number
  /** The furthest that a wake has named meanwhile: it may pass the answer on the way. */
  passed: number
  /** The Room may have told more than its answer will: to another pull, whose answer was lost. */
  doubtful: boolean
}

export class Heads {
  readonly #sql: SqlStorage
  /** The newest epoch in which each room moved: durable, one row a room an epoch. */
  readonly #moved = new Map<number, number>()
  /** Heads known for certain: only an answer, or the token of a waiting socket, makes one known. */
  readonly #known = new Map<number, number>()
  /** Pulls under way. */
  readonly #questions = new Set<Question>()
  readonly #chains = new Map<number, Chain>()

  constructor(sql: SqlStorage) {
    this.#sql = sql
    const rows = sql.exec<{ no: number; epoch: number }>('SELECT no, epoch FROM moved')
    for (const { no, epoch } of rows) this.#moved.set(no, epoch)
  }

  /** Notes that a room moved in `epoch`, before anybody relies on it: durable with the current turn. */
  note(room: number, epoch: number): void {
    if ((this.#moved.get(room) ?? 0) >= epoch) return
    this.#moved.set(room, epoch)
    this.#sql.exec('INSERT OR REPLACE INTO moved (no, epoch) VALUES (?, ?)', room, epoch)
  }

  movedIn(room: number): number {
    return this.#moved.get(room) ?? 0
  }

  head(room: number): number | undefined {
    return this.#known.get(room)
  }

  /** The token of a waiting socket says where a room stands. */
  learn(room: number, head: number): void {
    this.#known.set(room, Math.max(this.#known.get(room) ?? 0, head))
  }

  /**
   * A wake raises a known head; it never makes one known, since it may be an old copy. Of a room that is being asked
   * it is kept until the answer, which may be the older of the two.
   */
  raise(room: number, head: number): void {
    for (const question of this.#questionsTo(room)) question.passed = Math.max(question.passed, head)
    const known = this.#known.get(room)
    if (known !== undefined && known < head) this.#known.set(room, head)
  }

  /**
   * Nothing is known of a room any more: it was left, its wakes are no longer wanted, or it may have told what did
   * not arrive. Nor will the answers that are on their way make it known.
   */
  forget(room: number): void {
    this.#known.delete(room)
    this.#chains.delete(room)
    for (const question of this.#questionsTo(room)) question.doubtful = true
  }

  /** Whether a room is being asked, or any. */
  asking(room?: number): boolean {
    return room === undefined ? this.#questions.size > 0 : this.#questionsTo(room).length > 0
  }

  /** Begins a pull; `answered` ends it. */
  ask(room: number): Question {
    const question = { room, passed: 0, doubtful: false }
    this.#questions.add(question)
    return question
  }

  /**
   * Ends a pull. Its answer makes the head known, but for one that was overtaken by doubt.
   * @param head undefined: none came, though the Room may have given it. Whoever asks next must ask the Room
   */
  answered(question: Question, head: number | undefined): void {
    this.#questions.delete(question)
    const furthest = Math.max(head ?? 0, question.passed)
    if (head === undefined) this.forget(question.room)
    else if (question.doubtful) this.raise(question.room, furthest)
    else this.learn(question.room, furthest)
  }

  #questionsTo(room: number): Question[] {
    return [...this.#questions].filter((question) => question.room === room)
  }

  /** Keeps what a wake carried, if it joins on to what is kept. */
  keep(room: number, { increment }: News): void {
    if (increment === undefined) {
      this.#chains.delete(room)
      return
    }
    const chain = this.#chains.get(room)
    this.#chains.delete(room)
    const next = extend(chain, increment)
    this.#chains.set(room, next)
    if (this.#chains.size > KEPT_ROOMS) this.#chains.delete(this.#chains.keys().next().value as number)
  }

  /** The kept increments that lead from `since` to `head` without a gap, if there are such. */
  between(room: number, since: number, head: number): Increment[] | undefined {
    const chain = this.#chains.get(room)
    if (chain === undefined || chain.from > since || chain.to < head) return undefined
    return chain.increments.filter((increment) => increment.to > since)
  }

  /**
   * A new epoch has begun: carries over each room that stands further than the snapshot, is being asked, or is not
   * known and was moved in the epoch before. Call it in the transaction that begins the epoch.
   */
  rollTo(epoch: number, rooms: Iterable<number>, positions: ReadonlyMap<number, number>): void {
    for (const room of rooms) {
      const head = this.#known.get(room)
      const unsure = this.asking(room) || head === undefined
      const carried = unsure ? this.movedIn(room) === epoch - 1 : head > (positions.get(room) ?? 0)
      if (carried) this.note(room, epoch)
    }
  }
}

function extend(chain: Chain | undefined, increment: Increment): Chain {
  const fresh = { from: increment.from, to: increment.to, increments: [increment] }
  // A redaction changes events kept before it; a gap or an older copy cannot be joined.
  if (chain === undefined || hasRedaction(increment) || increment.from > chain.to) return fresh
  if (increment.to <= chain.to) return chain
  const added = increment.from === chain.to ? increment : after(increment, chain.to)
  const increments = [...chain.increments, added]
  let kept = increments.reduce((sum, one) => sum + weight(one), 0)
  while (increments.length > 1 && kept > KEPT_EVENTS) {
    const [oldest] = increments.splice(0, 1)
    kept -= oldest === undefined ? 0 : weight(oldest)
  }
  return { from: increments[0]?.from ?? increment.from, to: increment.to, increments }
}

/** Typing alone counts as one: a chain of it must end too. */
function weight({ events, receipts = [] }: Increment): number {
  return Math.max(1, events.length + receipts.length)
}

function after(increment: Increment, pos: number): Increment {
  const trimmed = { ...increment, from: pos, events: increment.events.filter((event) => event.pos > pos) }
  if (trimmed.receipts !== undefined) {
    trimmed.receipts = trimmed.receipts.filter((receipt) => receipt.pos > pos)
  }
  return trimmed
}

function hasRedaction(increment: Increment): boolean {
  return increment.events.some(({ event }) => event.type === 'm.room.redaction')
}
