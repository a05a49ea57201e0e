/** The room's past for other servers. Server-Server API §Backfilling and retrieving missing events. */
import type { BackfillRequest, MissingEventsRequest } from '../../../../src/objects/room/for-servers.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { Heap } from '../../../../src/protocol/state-resolution/heap.ts'
import type { RoomReader } from '../../context.ts'
import type { JudgedRow } from '../../rows/events/judged-events.ts'
import { Budget } from '../budget.ts'
import { graphEvent } from './pdus.ts'
import { requireInRoom } from './requester.ts'
import { ServerViewer } from './server-viewer.ts'

/** What other servers ask for at most, and get. */
const MOST_BACKFILLED = 100
const MOST_MISSING = 20
/** Events that a walk looks at beyond those that it answers: what it stops at may be anywhere. */
const MOST_WALKED = 1_000

/**
 * Events and those before them, the newest first. What the server may not see comes redacted, since the graph has no holes.
 * @throws MatrixError M_FORBIDDEN to servers outside the room
 */
export function backfill(room: RoomReader, { origin, eventIds, limit }: BackfillRequest): string[] {
  requireInRoom(room, origin)
  const viewer = new ServerViewer(room.store, origin)
  const open = new Heap<JudgedRow>((a, b) => a.depth > b.depth || (a.depth === b.depth && a.pos > b.pos))
  const seen = new Set<string>()
  const look = (eventId: string) => {
    if (seen.has(eventId)) return
    seen.add(eventId)
    const row = graphEvent(room, eventId)
    if (row !== undefined) open.push(row)
  }
  for (const eventId of eventIds) look(eventId)
  const budget = new Budget()
  const pdus: string[] = []
  for (let row = open.pop(); row !== undefined; row = open.pop()) {
    const pdu = viewer.shown(row)
    if (pdus.length >= Math.min(limit, MOST_BACKFILLED) || !budget.takes(pdu.length)) break
    pdus.push(pdu)
    for (const prev of prevEvents(row)) look(prev)
  }
  return pdus
}

/**
 * What lies between the events that a server has and the newest that it heard of: "a breadth-first walk of the prev_events",
 * the oldest first in the answer.
 * @throws MatrixError M_FORBIDDEN to servers outside the room
 */
export function missingEvents(
  room: RoomReader,
  { origin, latest, earliest, limit, minDepth }: MissingEventsRequest,
): string[] {
  requireInRoom(room, origin)
  const viewer = new ServerViewer(room.store, origin)
  const seen = new Set([...latest, ...earliest])
  const found: JudgedRow[] = []
  let front = latest.map((eventId) => graphEvent(room, eventId)).filter((row) => row !== undefined)
  while (front.length > 0 && seen.size < MOST_WALKED) {
    const before = new Set(front.flatMap(prevEvents).filter((eventId) => !seen.has(eventId)))
    for (const eventId of before) seen.add(eventId)
    front = [...before]
      .map((eventId) => graphEvent(room, eventId))
      .filter((row) => row !== undefined && row.depth >= minDepth) as JudgedRow[]
    const free = Math.min(limit, MOST_MISSING) - found.length
    found.push(...front.slice(0, free))
    if (front.length >= free) break
  }
  const budget = new Budget()
  const pdus: string[] = []
  for (const row of found) {
    const pdu = viewer.shown(row)
    if (!budget.takes(pdu.length)) break
    pdus.push(pdu)
  }
  return pdus.reverse()
}

const prevEvents = ({ pdu }: JudgedRow): string[] => (JSON.parse(pdu) as Pdu).prev_events
