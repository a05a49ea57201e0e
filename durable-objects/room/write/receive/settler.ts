/**
 * Settles the events of one call, each after those that it builds on: its auth events, and its prev_events or the state
 * before it. What lacks something stays in the pool, and what it lacks is noted.
 */
import type { ReceivedVerdict, Supplied, SuppliedState } from '../../../../src/objects/room/federation.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { slicesOf } from '../../../../src/slices.ts'
import type { RoomWriter } from '../../context.ts'
import { FLAGS } from '../../rows/events/flags.ts'
import { flagsOf, judgedEvent } from '../../rows/events/judged-events.ts'
import { openGap } from '../../rows/federation/apart.ts'
import { gapOf } from '../../rows/federation/gaps.ts'
import { stateAfterAll, stateMapOf, type WorkedState } from '../../rows/federation/states.ts'
import { RememberedChains } from '../../rows/state/auth-chain.ts'
import { listedState } from './listed-state.ts'
import { Merge } from './merge.ts'
import { Needs } from './needs.ts'
import { placeOutlier, placeReceived } from './place-received.ts'
import type { Pool, PooledEvent } from './pool.ts'
import { CitedEvents, judge, judgeOutlier } from './verdict.ts'

/** Events placed in one call. */
const MOST_PLACED = 500
/** Time of one call, ms: an object has one thread. */
const LONGEST_MS = 50

/** Events that are looked for at once: a state may name 100,000 of which none is to be had. */
const LOOKED_FOR = 500

/** Before all positions. */
const NO_STATE: WorkedState = { base: { pos: Number.MIN_SAFE_INTEGER, group: null }, deltas: [] }

const NOT_OF_THIS_ROOM = 'The event is not of this room'

export class Settler {
  readonly needs = new Needs()
  readonly done = new Map<string, ReceivedVerdict>()
  /** To be settled once all is placed. */
  readonly merge: Merge
  /** What the events that were accepted follow on. */
  readonly followed = new Set<string>()
  /** The call is over: what is left is taken up by the next one. */
  isOver = false
  readonly #room: RoomWriter
  readonly #pool: Pool
  readonly #states: ReadonlyMap<string, SuppliedState>
  readonly #asked: ReadonlySet<string>
  readonly #unavailable: ReadonlySet<string>
  readonly #visiting = new Set<string>()
  /**
   * What lacks something in this call, with its place in the graph and without. Events cite each other in many ways, so
   * that looking again would take time without bound.
   */
  readonly #stuck = { placed: new Set<string>(), outlier: new Set<string>() }
  /** What waits until the Room may resolve again, and what builds on it. */
  readonly #resting = new Set<string>()
  readonly #startedAt: number
  readonly #isBounded: boolean
  readonly #cited: CitedEvents
  readonly #chains: RememberedChains
  #placed = 0

  constructor(room: RoomWriter, pool: Pool, supplied: Supplied = {}, { isBounded = true } = {}) {
    this.#room = room
    this.merge = new Merge(room)
    this.#pool = pool
    this.#states = new Map((supplied.states ?? []).map((state) => [state.eventId, state]))
    this.#asked = new Set(supplied.asked)
    this.#unavailable = new Set(supplied.unavailable)
    this.#isBounded = isBounded
    this.#cited = new CitedEvents(room)
    this.#chains = new RememberedChains(room.store.sql)
    this.#startedAt = room.clock.now()
  }

  get isAnyResting(): boolean {
    return this.#resting.size > 0
  }

  /** Settles an event with its place in the graph, and what it builds on before it. Answers whether it is settled. */
  settle(event: PooledEvent): boolean {
    const { eventId } = event
    if (this.done.has(eventId)) return true
    if (this.isOver || this.#visiting.has(eventId) || this.#stuck.placed.has(eventId)) return false
    this.#visiting.add(eventId)
    try {
      const isSettled = this.#settleOnce(event)
      if (!isSettled) this.#stuck.placed.add(eventId)
      return isSettled
    } finally {
      this.#visiting.delete(eventId)
    }
  }

  /** Stores an event of which only itself matters, as one of a state. Answers whether it is there. */
  settleOutlier(event: PooledEvent): boolean {
    const { eventId, pdu } = event
    if (this.#flags(eventId) !== undefined) return true
    if (this.isOver || this.#visiting.has(eventId) || this.#stuck.outlier.has(eventId)) return false
    if (!this.#isOfRoom(event)) return this.#finish(eventId, { error: NOT_OF_THIS_ROOM })
    this.#visiting.add(eventId)
    try {
      if (!this.#haveAll(pdu.auth_events)) {
        this.#stuck.outlier.add(eventId)
        return false
      }
      if (this.#isTimeOver()) return false
      const judged = judgeOutlier(this.#room, pdu, this.#cited)
      const verdict = this.#isOtherCreate(event) ? 'rejected' : judged.verdict
      placeOutlier(this.#room, event, { verdict, chains: this.#chains })
      this.#placed += 1
      return true
    } finally {
      this.#visiting.delete(eventId)
    }
  }

  #settleOnce(event: PooledEvent): boolean {
    const { eventId, pdu } = event
    const flags = this.#flags(eventId)
    if (flags === FLAGS.rejected) return this.#finish(eventId, { error: 'The event was rejected' })
    if (flags !== undefined && flags !== FLAGS.outlier) return this.#finish(eventId, {})
    if (!this.#isOfRoom(event)) return this.#finish(eventId, { error: NOT_OF_THIS_ROOM })
    if (pdu.prev_events.length === 0) return this.#settleFirst(event)
    // Both are looked for, so that they can be fetched at once.
    const [hasAuth, before] = [this.#haveAll(pdu.auth_events), this.#stateBefore(event)]
    if (!hasAuth || before === 'unknown') return false
    if (this.#isTimeOver()) return false
    this.#place(event, before === 'current' ? undefined : before)
    return true
  }

  /** The room's own create event has the empty state before it. */
  #settleFirst(event: PooledEvent): boolean {
    if (event.eventId !== this.#room.store.createEvent?.eventId) {
      return this.#finish(event.eventId, { error: 'Only the create event follows on nothing' })
    }
    this.#place(event, NO_STATE)
    return true
  }

  #place(event: PooledEvent, before: WorkedState | undefined): void {
    const room = this.#room
    const { eventId, pdu } = event
    const isOld = gapOf(room.store.sql, eventId) !== undefined
    const state = before && stateMapOf(room.store.sql, before)
    const { verdict, reason } = judge(room, pdu, state, { isOld, cited: this.#cited })
    this.#cited.forget(eventId)
    placeReceived(room, event, before, { verdict, merge: this.merge })
    this.#placed += 1
    if (verdict === 'accepted') for (const prev of pdu.prev_events) this.followed.add(prev)
    this.#finish(eventId, verdict === 'rejected' ? { error: reason } : {})
  }

  #finish(eventId: string, verdict: ReceivedVerdict): true {
    this.done.set(eventId, verdict)
    return true
  }

  /** Whether these events are stored now, in any form. What is in the pool is stored on the way. */
  #haveAll(eventIds: readonly string[]): boolean {
    const asked = eventIds.filter((eventId) => !this.#cited.has(eventId))
    let all = true
    for (const some of slicesOf(asked, LOOKED_FOR)) {
      if (!this.#haveSome(some)) all = false
      // The list of needs has no room for more.
      if (!all && this.needs.isFull) break
    }
    return all
  }

  #haveSome(eventIds: readonly string[]): boolean {
    let all = true
    const known = flagsOf(this.#room.store.sql, eventIds)
    for (const eventId of eventIds) {
      if (known.has(eventId)) continue
      const pooled = this.#pool.get(eventId)
      if (pooled !== undefined && this.settleOutlier(pooled) && this.#flags(eventId) !== undefined) continue
      all = false
      if (pooled === undefined) this.needs.event(eventId)
    }
    return all
  }

  /** The state before an event; `current`: it follows on all extremities. */
  #stateBefore(event: PooledEvent): WorkedState | 'current' | 'unknown' {
    const { eventId, pdu } = event
    const { store } = this.#room
    const missing = pdu.prev_events.filter((prev) => !this.#isThere(prev))
    if (missing.length > 0) return this.#suppliedState(event, missing)
    if (isSame(pdu.prev_events, store.extremities) && gapOf(store.sql, eventId) === undefined) {
      this.merge.settle()
      return 'current'
    }
    return this.#isResting(eventId) ? 'unknown' : stateAfterAll(store, pdu.prev_events)
  }

  /** Whether an event is there with its state; one in the pool is settled first. */
  #isThere(eventId: string): boolean {
    const flags = this.#flags(eventId)
    if (flags !== undefined && flags !== FLAGS.outlier) return true
    const pooled = this.#pool.get(eventId) ?? this.#create(eventId)
    if (pooled === undefined) return false
    pooled.isNeeded = true
    if (!this.settle(pooled)) return false
    const settled = this.#flags(eventId)
    return settled !== undefined && settled !== FLAGS.outlier
  }

  /** The create event, where the answer to a join brought it: what follows on it needs nothing more. */
  #create(eventId: string): PooledEvent | undefined {
    const { createEvent, sql } = this.#room.store
    const row = eventId === createEvent?.eventId ? judgedEvent(sql, eventId) : undefined
    if (row === undefined) return undefined
    openGap(this.#room, { event_id: eventId, pos: 0 })
    const json = row.pdu.trimEnd()
    this.#pool.add([{ eventId, json, isRedacted: false }], '', false)
    return this.#pool.get(eventId)
  }

  /** The state that was fetched, where prev_events are missing; or a note of what must be fetched. */
  #suppliedState({ eventId, pdu }: PooledEvent, missing: readonly string[]): WorkedState | 'unknown' {
    if (missing.some((prev) => this.#resting.has(prev))) {
      this.#resting.add(eventId)
      return 'unknown'
    }
    const supplied = this.#states.get(eventId)
    if (supplied !== undefined) {
      if (this.#isResting(eventId)) return 'unknown'
      const wanted = supplied.pduIds.filter((id) => !this.#unavailable.has(id))
      if (this.#haveAll(wanted)) {
        // The list is kept as what differs from the current state, which would still move at its position.
        this.merge.settle()
        return listedState(this.#room, wanted) ?? 'unknown'
      }
      this.#needTogether(supplied.authChainIds)
      return 'unknown'
    }
    if (this.isOver) return 'unknown'
    // What is in the pool says itself what it lacks, unless it came as an auth event alone and leads ever further back.
    const away = missing.filter((prev) => this.#pool.get(prev) === undefined)
    const isAsked = this.#asked.has(eventId)
    if (isAsked || (away.length > 0 && away.every((prev) => this.#unavailable.has(prev))))
      this.needs.stateBefore(eventId)
    else if (away.length > 0) this.needs.missing(eventId, pdu.depth)
    return 'unknown'
  }

  /** Events that cite each other are asked for at once: one after the other they would take a call each. */
  #needTogether(eventIds: readonly string[]): void {
    for (const some of slicesOf(eventIds, LOOKED_FOR)) {
      if (this.needs.isFull) return
      const known = flagsOf(this.#room.store.sql, some)
      for (const eventId of some) {
        const isThere = known.has(eventId) || this.#pool.get(eventId) !== undefined
        if (!isThere && !this.#unavailable.has(eventId)) this.needs.event(eventId)
      }
    }
  }

  #flags(eventId: string): number | undefined {
    return flagsOf(this.#room.store.sql, [eventId]).get(eventId)
  }

  /** Only the create event of room version 12 has no room_id, and it makes the room id itself. */
  #isOfRoom({ eventId, pdu }: { eventId: string; pdu: Pdu }): boolean {
    const { roomId, rules } = this.#room.store
    if (rules.roomIdIsCreateHash && pdu.type === 'm.room.create') return roomId === `!${eventId.slice(1)}`
    return pdu.room_id === roomId
  }

  /** A room has one create event. A second one is false. */
  #isOtherCreate({ eventId, pdu }: PooledEvent): boolean {
    const { createEvent } = this.#room.store
    return pdu.type === 'm.room.create' && createEvent !== undefined && createEvent.eventId !== eventId
  }

  /** What does not follow on all extremities changes which states they have, and may itself follow on several. */
  #isResting(eventId: string): boolean {
    const { clock, store } = this.#room
    if (!this.#isBounded || store.load.restsUntil(clock.now()) === undefined) return false
    this.#resting.add(eventId)
    return true
  }

  #isTimeOver(): boolean {
    // However slow the machine is, each call gets on.
    if (!this.#isBounded || this.#placed === 0) return false
    this.isOver ||= this.#placed >= MOST_PLACED || this.#room.clock.now() - this.#startedAt > LONGEST_MS
    return this.isOver
  }
}

function isSame(prevEvents: readonly string[], extremities: readonly { eventId: string }[]): boolean {
  const named = new Set(prevEvents)
  return named.size === extremities.length && extremities.every(({ eventId }) => named.has(eventId))
}
