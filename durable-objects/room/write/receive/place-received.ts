/** Step 7 of the pipeline for events of other servers: where they stand, and what becomes of the room's state. */
import type { BuiltEvent } from '../../../../src/protocol/events/event-builder.ts'
import type { RoomReader, RoomWriter } from '../../context.ts'
import { type NewEvent, removeOutlier } from '../../rows/events/events.ts'
import { FLAGS, type Verdict } from '../../rows/events/flags.ts'
import { freePosition, judgedEvent, nextHidden } from '../../rows/events/judged-events.ts'
import { widenBlock } from '../../rows/events/time-blocks.ts'
import { addLoggedGroup, endGap, logPlaced, noteApart, openGap } from '../../rows/federation/apart.ts'
import { dropEarlyRedactions, earlyRedactionsOf } from '../../rows/federation/early-redactions.ts'
import { GAP_WIDTH, gapOf } from '../../rows/federation/gaps.ts'
import { noteBranch, type StatePlace } from '../../rows/federation/state-groups.ts'
import { identifiedEvent, type WorkedState } from '../../rows/federation/states.ts'
import { placeInChain, type RememberedChains } from '../../rows/state/auth-chain.ts'
import { placeEvent, type StateChange } from '../place.ts'
import { applyRedaction } from '../redact.ts'
import type { Merge } from './merge.ts'

/** Events that are not shown are walked past up to so many, to find what a new event follows on. */
const MOST_GHOSTS = 1_000

/**
 * Puts a judged event in its place.
 * @param before the state before it; undefined: the room's own
 * @param how `txn`: see `txnKey`; `merge`: is settled by the caller, before it reads the current state
 */
export function placeReceived(
  room: RoomWriter,
  event: BuiltEvent,
  before: WorkedState | undefined,
  { verdict, merge, txn = null }: { verdict: Verdict; merge: Merge; txn?: string | null },
): void {
  const outlier = removeOutlier(room.store.sql, event.eventId)
  const chain = outlier?.chain ?? undefined
  // The archive has it elsewhere.
  if (outlier !== undefined && verdict === 'accepted') logPlaced(room, event.eventId)
  if (verdict === 'accepted') placeAccepted(room, event, { before, chain, txn, merge })
  else placeHidden(room, event, { before, verdict, chain })
}

/** An outlier: nothing is known of the state around it. */
export function placeOutlier(
  room: RoomWriter,
  event: BuiltEvent,
  { verdict, chains }: { verdict: Verdict; chains: RememberedChains },
): void {
  const { pdu } = event
  const pos = hiddenPosition(room)
  logPlaced(room, event.eventId)
  const chain = pdu.state_key === undefined ? null : placeInChain(room.store.sql, pdu.auth_events, chains)
  placeEvent(room, event, { pos, txn: null, verdict, delta: [], chain, isNew: false })
}

/** The next position for an event that nobody is shown. */
function hiddenPosition(room: RoomWriter): number {
  room.lastHidden = room.lastHidden === undefined ? nextHidden(room.store.sql) : room.lastHidden - 1
  return room.lastHidden
}

function placeHidden(
  room: RoomWriter,
  event: BuiltEvent,
  { before, verdict, chain }: { before?: WorkedState; verdict: Verdict; chain?: ChainPlace },
): void {
  const { store } = room
  const now = { base: { pos: store.positions.last, group: null }, deltas: [] }
  const around = storeAround(room, event, before ?? now, verdict)
  const pos = hiddenPosition(room)
  passGap(room, event)
  logPlaced(room, event.eventId)
  placeEvent(room, event, { pos, txn: null, verdict, around, delta: [], isNew: false, chain })
}

/** A gap goes on behind an event that nobody is shown: the event itself is not missing any more. */
function passGap(room: RoomWriter, event: BuiltEvent): void {
  const { sql } = room.store
  const pos = gapOf(sql, event.eventId)
  if (pos === undefined) return
  endGap(room, event.eventId)
  for (const event_id of followedBy(room, event).missing) openGap(room, { event_id, pos })
}

type ChainPlace = NonNullable<NewEvent['chain']>

function placeAccepted(
  room: RoomWriter,
  event: BuiltEvent,
  {
    before,
    chain,
    txn,
    merge,
  }: { before?: WorkedState; chain?: ChainPlace; txn: string | null; merge: Merge },
): void {
  const { store } = room
  const { eventId, pdu } = event
  const gap = gapOf(store.sql, eventId)
  const { named, missing: lacks } = followedBy(room, event)
  if (gap !== undefined && before !== undefined) {
    placeInGap(room, event, { below: gap, before, lacks, chain })
    return
  }
  if (lacks.length > 0) {
    openGaps(room, lacks)
    // A client that is told of the event alone would not know of the gap before it.
    room.moved = true
  }
  // The archive hears of the state groups before it hears of the event that names them.
  const around = before && storeAround(room, event, before, 'accepted')
  const pos = store.positions.next()
  const known = store.extremities
  const extremities = [...known.filter((one) => !named.has(one.eventId)), { eventId, depth: pdu.depth }]
  const common = { pos, txn, verdict: 'accepted', extremities, isNew: true, chain } as const
  if (around === undefined) {
    placeEvent(room, event, { ...common, delta: ownDelta(event) })
  } else {
    placeEvent(room, event, { ...common, around, delta: [] })
    merge.note(event, pos, known)
  }
  applyEarlyRedactions(room, event)
}

/** History that events which are there build on: it changes nothing of what the room is now. */
function placeInGap(
  room: RoomWriter,
  event: BuiltEvent,
  {
    below,
    before,
    lacks,
    chain,
  }: { below: number; before: WorkedState; lacks: string[]; chain?: ChainPlace },
): void {
  const { sql } = room.store
  const pos = freePosition(sql, below)
  endGap(room, event.eventId)
  for (const event_id of lacks) openGap(room, { event_id, pos: pos - 1 })
  const around = storeAround(room, event, before, 'accepted')
  logPlaced(room, event.eventId)
  placeEvent(room, event, { pos, txn: null, verdict: 'accepted', around, delta: [], isNew: false, chain })
  widenBlock(sql, pos, event.pdu.origin_server_ts)
  if (event.pdu.type === 'm.room.redaction') applyRedaction(room, event)
  applyEarlyRedactions(room, event)
}

/**
 * Notes the missing events that a new event follows on. Positions beneath the new event stay free for them. Beneath the
 * first event of a room all positions are free.
 */
export function openGaps(room: RoomWriter, missing: readonly string[]): void {
  const { positions, extremities } = room.store
  if (extremities.length === 0) {
    for (const event_id of missing) openGap(room, { event_id, pos: 0 })
    return
  }
  positions.skip(GAP_WIDTH)
  const top = positions.last
  for (const [index, event_id] of missing.entries()) openGap(room, { event_id, pos: top - index })
}

/** What a new event follows on. */
interface Followed {
  /** Directly, and through events that are not shown: those are no extremities themselves. */
  named: ReadonlySet<string>
  /** Of these, what is not there with its place in the graph. */
  missing: string[]
}

export function followedBy({ store }: RoomReader, { pdu }: Pick<BuiltEvent, 'pdu'>): Followed {
  const named = new Set(pdu.prev_events)
  const missing: string[] = []
  let ghosts = 0
  for (const eventId of named) {
    const row = judgedEvent(store.sql, eventId)
    if (row === undefined || row.flags === FLAGS.outlier) missing.push(eventId)
    else if (row.flags !== FLAGS.accepted && ++ghosts <= MOST_GHOSTS)
      for (const prev of (JSON.parse(row.pdu) as BuiltEvent['pdu']).prev_events) named.add(prev)
  }
  return { named, missing }
}

function ownDelta(event: BuiltEvent): StateChange[] {
  const { type, state_key: stateKey } = event.pdu
  return stateKey === undefined ? [] : [[type, stateKey, event]]
}

/** Stores the states before and after an event, where they are not stored already. */
function storeAround(
  room: RoomWriter,
  { eventId, pdu }: BuiltEvent,
  { base, deltas }: WorkedState,
  verdict: Verdict,
): { before: StatePlace; after: StatePlace } {
  noteApart(room)
  noteBranch(room.store.sql)
  const before = addLoggedGroup(room, base, deltas)
  if (pdu.state_key === undefined || verdict === 'rejected') return { before, after: before }
  const own = { type: pdu.type, stateKey: pdu.state_key, eventId }
  return { before, after: addLoggedGroup(room, before, [own]) }
}

/** The redactions of an event may have come before it. */
export function applyEarlyRedactions(room: RoomWriter, { eventId }: BuiltEvent): void {
  const { sql } = room.store
  const waiting = earlyRedactionsOf(sql, eventId)
  if (waiting.length === 0) return
  for (const redactionId of waiting) {
    const redaction = identifiedEvent(sql, redactionId)
    if (redaction !== undefined) applyRedaction(room, redaction)
  }
  dropEarlyRedactions(sql, eventId)
}
