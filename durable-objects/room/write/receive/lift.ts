/** Events that the room as it was refused, and that are shown after all: an accepted event follows on them. */
import { refusalIn } from '../../../../src/protocol/auth/received-auth.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import type { RoomReader, RoomWriter } from '../../context.ts'
import { removeSoftFailed } from '../../rows/events/events.ts'
import { FLAGS } from '../../rows/events/flags.ts'
import { type JudgedRow, judgedEvent } from '../../rows/events/judged-events.ts'
import { logPlaced } from '../../rows/federation/apart.ts'
import { placeAfter, placeBefore } from '../../rows/federation/states.ts'
import { placeEvent } from '../place.ts'
import { applyEarlyRedactions } from './place-received.ts'

/** Soft-failed events that one call looks at. */
const MOST = 100

/**
 * Shows the soft-failed events that accepted ones follow on, where the room as it is now allows them. They come as the
 * newest, and stay out of the extremities, since something follows on them. A state event comes only where it is the
 * room's state: clients take what comes for that.
 * @param followed events that accepted ones name; the current state is settled
 */
export function liftFollowed(room: RoomWriter, followed: Iterable<string>): void {
  const failed = softFailedBehind(room, followed)
  for (const row of failed.toSorted((a, b) => a.depth - b.depth)) if (mayCome(room, row)) lift(room, row)
}

/** Those events and the soft-failed ones before them. */
function softFailedBehind({ store }: RoomReader, followed: Iterable<string>): JudgedRow[] {
  const ids = new Set(followed)
  const found: JudgedRow[] = []
  for (const eventId of ids) {
    const row = judgedEvent(store.sql, eventId)
    if (row?.flags !== FLAGS['soft-failed']) continue
    found.push(row)
    if (found.length === MOST) break
    for (const prev of (JSON.parse(row.pdu) as Pdu).prev_events) ids.add(prev)
  }
  return found
}

function mayCome({ store }: RoomReader, row: JudgedRow): boolean {
  if (row.state_key !== null && store.get(row.type, row.state_key)?.eventId !== row.event_id) return false
  return refusalIn(store.rules, JSON.parse(row.pdu) as Pdu, store) === undefined
}

function lift(room: RoomWriter, row: JudgedRow): void {
  const { store } = room
  const { event_id: eventId } = row
  const { extremities } = store
  const json = row.pdu.trimEnd()
  const event = { eventId, pdu: JSON.parse(json) as Pdu, json }
  const { chain } = removeSoftFailed(store.sql, eventId) ?? {}
  logPlaced(room, eventId)
  placeEvent(room, event, {
    pos: store.positions.next(),
    txn: null,
    verdict: 'accepted',
    around: { before: placeBefore(row), after: placeAfter(row) },
    delta: [],
    extremities,
    isNew: true,
    chain: chain ?? null,
  })
  applyEarlyRedactions(room, event)
}
