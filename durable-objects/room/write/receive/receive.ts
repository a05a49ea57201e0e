/** Events of other servers, inside the caller's transaction: what can be finished is, and the rest is staged. */
import type { ReceiveAnswer, ReceiveRequest } from '../../../../src/objects/room/federation.ts'
import { MAX_PREV_EVENTS } from '../../../../src/protocol/events/extremities.ts'
import type { RoomWriter } from '../../context.ts'
import { FLAGS } from '../../rows/events/flags.ts'
import { flagsOf } from '../../rows/events/judged-events.ts'
import { openGap, staging } from '../../rows/federation/apart.ts'
import { gapOf, hasGaps } from '../../rows/federation/gaps.ts'
import {
  boundStaged,
  countStaged,
  OWN_JOIN,
  stage,
  stagedEvents,
  unstage,
} from '../../rows/federation/staged.ts'
import { joinExtremities } from './dummy-event.ts'
import { liftFollowed } from './lift.ts'
import { Pool } from './pool.ts'
import { Settler } from './settler.ts'

/** Asked again with the same events it changes nothing. @throws MatrixError M_NOT_FOUND where there is no such room */
export function receive(room: RoomWriter, { origin, events, supplied }: ReceiveRequest): ReceiveAnswer {
  const { store } = room
  void store.rules
  const pool = new Pool()
  pool.add(events, origin, true)
  pool.addStaged(stagedEvents(store.sql).filter((event) => event.origin !== OWN_JOIN))
  pool.add(supplied?.events ?? [], origin, false)
  noteHistory(room, pool)
  const settler = new Settler(room, pool, supplied)
  for (const event of pool.all) if (event.isWanted) settler.settle(event)
  settler.merge.settle()
  liftFollowed(room, settler.followed)
  let dropped = 0
  staging(room, () => {
    restage(room, pool, settler)
    dropped = boundStaged(store.sql)
  })
  joinExtremities(room)
  const restsUntil = restAfter(room, settler)
  return {
    done: Object.fromEntries(settler.done),
    needs: settler.isOver ? [] : settler.needs.told(room),
    more: settler.isOver,
    staged: countStaged(store.sql),
    ...(dropped > 0 && { dropped }),
    ...(restsUntil !== undefined && { restsUntil }),
  }
}

/** When the Room goes on with what waits for its rest, events or extremities that are to be joined. */
function restAfter({ store, clock }: RoomWriter, { isAnyResting }: Settler): number | undefined {
  const now = clock.now()
  const until = store.load.restsUntil(now)
  if (isAnyResting) return until ?? now
  return store.extremities.length > MAX_PREV_EVENTS ? until : undefined
}

/**
 * Finished events leave the table of staged ones, and unfinished ones of this call enter it. A call that ends early does not
 * know yet which events need a place, so it keeps all of them.
 */
function restage({ store }: RoomWriter, pool: Pool, { done, isOver }: Settler): void {
  const stored = flagsOf(
    store.sql,
    pool.all.map(({ eventId }) => eventId),
  )
  for (const event of pool.all) {
    const isPlaced = event.isWanted || event.isNeeded || isOver
    const isFinished = isPlaced ? done.has(event.eventId) : stored.has(event.eventId)
    if (!isFinished) stage(store.sql, event)
    else if (event.isStaged) unstage(store.sql, event.eventId)
  }
}

/** What lies behind a gap is history, however it comes: each event stands below those that follow on it. */
function noteHistory(room: RoomWriter, pool: Pool): void {
  const { store } = room
  if (!hasGaps(store.sql)) return
  const open = pool.all.map(({ eventId }) => eventId)
  for (const eventId of open) {
    const pos = gapOf(store.sql, eventId)
    const event = pos === undefined ? undefined : pool.get(eventId)
    if (pos === undefined || event === undefined) continue
    const known = flagsOf(store.sql, event.pdu.prev_events)
    for (const prev of event.pdu.prev_events) {
      if ((known.get(prev) ?? FLAGS.outlier) !== FLAGS.outlier || gapOf(store.sql, prev) !== undefined)
        continue
      openGap(room, { event_id: prev, pos: pos - 1 })
      open.push(prev)
    }
  }
}
