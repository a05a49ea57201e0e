/** Client-Server API §GET /relations and §GET /threads: the children of an event, and the threads of a room. */
import type {
  ChildrenAnswer,
  ChildrenRequest,
  ThreadsAnswer,
  ThreadsRequest,
} from '../../../src/objects/room/timeline.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { ClientEvent, Pdu } from '../../../src/protocol/events/event.ts'
import { redact } from '../../../src/protocol/events/redaction.ts'
import type { RoomReader } from '../context.ts'
import { childrenOf, latestReplies } from '../rows/events/relations.ts'
import type { RowReader } from '../rows/reader.ts'
import { latestReply, participates } from './aggregations.ts'
import { Budget, shownWithin } from './budget.ts'
import type { ShownRow } from './erasures.ts'
import { type Reading, readingOf } from './reading.ts'
import { shownEvent } from './shown-event.ts'
import { isIgnored, parsePlaceToken, placeToken } from './timeline.ts'

const BATCH = 100
/** "Homeservers SHOULD traverse at least 3 levels of relationships." */
const RECURSION_DEPTH = 3
/** Events whose children are looked for: a tree without end must not hold up the room. */
const MAX_PARENTS = 5_000
/** How many children are looked at for one page: any number of them may be hidden from the viewer. */
const MAX_LOOKED = 2_000

/** @throws MatrixError M_NOT_FOUND where the viewer may not see the parent */
export function children(room: RoomReader, request: ChildrenRequest): ChildrenAnswer {
  const reading = readingOf(room, request.viewer, request.ignored)
  const parent = room.store.event(request.eventId)
  if (parent === undefined || !reading.viewer.maySee(parent)) {
    throw new MatrixError('M_NOT_FOUND', 'Event not found')
  }
  const parents = request.recurse ? withDescendants(room.store, request.eventId) : [request.eventId]
  const { rows, next } = visibleRows(reading, request, parents)
  const chunk = shownWithin(rows, (row) => shownEvent(reading, row))
  const answer: ChildrenAnswer = { chunk }
  const place = rows.length > chunk.length ? placeAfter(rows[chunk.length - 1], request.dir) : next
  if (place !== undefined) answer.next_batch = placeToken(place)
  if (request.from !== undefined) answer.prev_batch = request.from
  if (request.recurse) answer.recursion_depth = RECURSION_DEPTH
  return answer
}

/** Where the next page begins, after a page that ends with this event. */
function placeAfter(last: ShownRow | undefined, dir: ChildrenRequest['dir']): number | undefined {
  return last && (dir === 'b' ? last.pos : last.pos + 1)
}

/** As many as the page holds, and where to go on if there may be more. */
function visibleRows(
  reading: Reading,
  request: ChildrenRequest,
  parentIds: readonly string[],
): { rows: ShownRow[]; next?: number | undefined } {
  const { store } = reading.room
  const backwards = request.dir === 'b'
  const [start, end] = [request.from, request.to].map((token) =>
    token === undefined ? undefined : parsePlaceToken(token),
  )
  const range = backwards ? { from: end, to: start } : { from: start, to: end }
  const { relType, eventType } = request
  const rows: ShownRow[] = []
  const budget = new Budget()
  for (let looked = 0; looked < MAX_LOOKED; looked += BATCH) {
    const order = backwards ? 'newest' : 'oldest'
    const batch = childrenOf(store.sql, { parentIds, relType, eventType, order, limit: BATCH, ...range })
    for (const child of batch) {
      const row = store.event(child.child_id)
      const shown = row && reading.viewer.shown(row)
      if (shown !== undefined && !isIgnored(reading.ignored, shown)) {
        const isFull = rows.length >= request.limit || !budget.takes(shown.pdu.length)
        if (isFull) return { rows, next: placeAfter(rows.at(-1), request.dir) }
        rows.push(shown)
      }
      if (backwards) range.to = child.child_pos
      else range.from = child.child_pos + 1
    }
    if (batch.length < BATCH) return { rows }
  }
  return { rows, next: backwards ? range.to : range.from }
}

/** The event, and what relates to it through fewer steps than are followed. */
function withDescendants(store: RowReader, eventId: string): string[] {
  const all = [eventId]
  let level = [eventId]
  for (let depth = 1; depth < RECURSION_DEPTH && level.length > 0; depth += 1) {
    const limit = MAX_PARENTS - all.length
    level = childrenOf(store.sql, { parentIds: level, order: 'oldest', limit }).map((child) => child.child_id)
    all.push(...level)
  }
  return all
}

interface Thread {
  rootId: string
  /** The position of its newest reply that the viewer may see. */
  latest: number
}

/** The threads of a room, those with the newest replies first. @throws MatrixError M_FORBIDDEN */
export function threads(room: RoomReader, request: ThreadsRequest): ThreadsAnswer {
  const reading = readingOf(room, request.viewer, request.ignored)
  reading.viewer.requireLook(room.store.head)
  const before = request.from === undefined ? undefined : parsePlaceToken(request.from)
  const chunk: ClientEvent[] = []
  const budget = new Budget()
  let last: Thread | undefined
  for (const thread of threadsOf(reading)) {
    if (before !== undefined && thread.latest >= before) continue
    const root = wantedRoot(reading, thread, request.include)
    if (root === undefined) continue
    const isFull = chunk.length >= request.limit || !budget.takes(JSON.stringify(root).length)
    if (isFull && last !== undefined) {
      return { chunk, next_batch: placeToken(last.latest) }
    }
    chunk.push(root)
    last = thread
  }
  return { chunk }
}

function threadsOf(reading: Reading): Thread[] {
  const { store } = reading.room
  const { viewer, ignored } = reading
  const unseen = new Set(ignored)
  return latestReplies(store.sql)
    .map(({ parent_id: rootId, latest, sender }) => ({
      rootId,
      latest:
        latest >= viewer.seesAllFrom && !unseen.has(sender)
          ? latest
          : latestReply(reading, rootId)?.child_pos,
    }))
    .filter((thread): thread is Thread => thread.latest !== undefined)
    .sort((a, b) => b.latest - a.latest)
}

function wantedRoot(
  reading: Reading,
  { rootId }: Thread,
  include: ThreadsRequest['include'],
): ClientEvent | undefined {
  const stored = reading.room.store.event(rootId)
  const row = stored && reading.viewer.shown(stored)
  if (row === undefined) return undefined
  if (include === 'participated' && !participates(reading, row)) return undefined
  const root = shownEvent(reading, row)
  if (!isIgnored(reading.ignored, row)) return root
  // "If the thread root event was sent by an ignored user, the event is returned redacted to the caller."
  const { content } = redact(JSON.parse(row.pdu) as Pdu, reading.room.store.rules)
  return { ...root, content }
}
