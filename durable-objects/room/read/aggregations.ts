/** Client-Server API §Aggregations of child events: what `unsigned.m.relations` says of an event, by viewer. */
import type { JsonObject, JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import type { ClientEvent, Pdu } from '../../../src/protocol/events/event.ts'
import { isValidReplacement } from '../../../src/protocol/events/relations.ts'
import { forViewer } from '../../for-viewer.ts'
import type { EventRow } from '../rows/events/events.ts'
import {
  childrenOf,
  countReplies,
  hasChildren,
  type RelationRow,
  replacementsOf,
} from '../rows/events/relations.ts'
import type { ShownRow } from './erasures.ts'
import { bareEvent, type Reading } from './reading.ts'

type RelType = 'm.replace' | 'm.thread' | 'm.reference'
type Aggregate = (reading: Reading, parent: ClientEvent) => JsonValue | undefined

/** Annotations are not among them: clients count reactions themselves. */
const AGGREGATES: Readonly<Record<RelType, Aggregate>> = {
  'm.replace': newestReplacement,
  'm.thread': threadSummary,
  'm.reference': references,
}
const ALL = Object.keys(AGGREGATES) as RelType[]

const BATCH = 100
/** As many as one event can carry: a client that wants more asks /relations. */
const MAX_REFERENCES = 500
/** How many children are looked at for one aggregation: any number of them may be hidden from the viewer. */
const MAX_LOOKED = 1_000
/** How many edits are looked at, the newest first: any number of them may turn out not to be edits. */
const MAX_EDITS = 100

/** The aggregations of an event's children that the viewer may see; undefined where there are none. */
export function aggregations(
  reading: Reading,
  parent: ClientEvent,
  relTypes: readonly RelType[] = ALL,
): JsonObject | undefined {
  // "Bundled aggregations … are not included for state events."
  if (parent.state_key !== undefined || !hasChildren(reading.room.store.sql, parent.event_id))
    return undefined
  const made = relTypes
    .map((relType) => [relType, AGGREGATES[relType](reading, parent)] as const)
    .filter((entry): entry is [RelType, JsonValue] => entry[1] !== undefined)
  return made.length === 0 ? undefined : Object.fromEntries(made)
}

/** "The most recent replacement event, as determined by origin_server_ts, falling back to … the highest event ID". */
function newestReplacement(reading: Reading, parent: ClientEvent): JsonValue | undefined {
  if (parent.unsigned?.redacted_because !== undefined) return undefined
  for (const row of replacementsOf(reading.room.store.sql, parent, MAX_EDITS)) {
    const shown = mayShow(reading, row) ? reading.viewer.shown(row) : undefined
    if (shown === undefined) continue
    if (isValidReplacement(parent, JSON.parse(shown.pdu) as Pdu))
      return nestedEvent(reading, shown, 'none') as unknown as JsonValue
  }
  return undefined
}

function threadSummary(reading: Reading, parent: ClientEvent): JsonValue | undefined {
  const latest = latestReply(reading, parent.event_id)
  const stored = latest && reading.room.store.event(latest.child_id)
  const row = stored && reading.viewer.shown(stored)
  if (row === undefined) return undefined
  return {
    latest_event: nestedEvent(reading, row, 'edits') as unknown as JsonValue,
    count: repliesSeen(reading, parent.event_id),
    current_user_participated: participates(reading, parent),
  }
}

/** The newest reply of a thread that the viewer may see. */
export function latestReply(reading: Reading, rootId: string): RelationRow | undefined {
  for (const child of visibleChildren(reading, rootId, 'm.thread', 'newest')) return child
  return undefined
}

/** "The user … is the author of the thread root, or has sent an event" in the thread. */
export function participates(reading: Reading, root: Pick<ClientEvent, 'event_id' | 'sender'>): boolean {
  const { userId } = reading.session
  if (root.sender === userId) return true
  const query = {
    parentIds: [root.event_id],
    relType: 'm.thread',
    sender: userId,
    order: 'newest',
    limit: 1,
  } as const
  return childrenOf(reading.room.store.sql, query).length > 0
}

/** Counts in one statement where the viewer sees everything; looks at each reply before that. */
function repliesSeen(reading: Reading, rootId: string): number {
  const { viewer, ignored, room } = reading
  let count = countReplies(room.store.sql, rootId, { from: viewer.seesAllFrom, ignored })
  for (const _ of visibleChildren(reading, rootId, 'm.thread', 'newest', viewer.seesAllFrom)) count += 1
  return count
}

function references(reading: Reading, parent: ClientEvent): JsonValue | undefined {
  const chunk: JsonObject[] = []
  for (const child of visibleChildren(reading, parent.event_id, 'm.reference', 'oldest')) {
    if (chunk.push({ event_id: child.child_id }) >= MAX_REFERENCES) break
  }
  return chunk.length === 0 ? undefined : { chunk }
}

/** An event inside the aggregation of another event: nothing is aggregated but its edits. */
export function nestedEvent(reading: Reading, row: ShownRow, depth: 'edits' | 'none'): ClientEvent {
  const { room, session, now } = reading
  const viewed = bareEvent(reading, row)
  const relations = depth === 'edits' ? aggregations(reading, viewed.event, ['m.replace']) : undefined
  const event = relations === undefined ? viewed.event : withRelations(viewed.event, relations)
  return forViewer({ ...viewed, event }, session, now, room.store.roomId)
}

/** An event with what relates to it. */
export function withRelations(event: ClientEvent, relations: JsonObject): ClientEvent {
  return { ...event, unsigned: { ...event.unsigned, 'm.relations': relations } }
}

/** Children one after another, read in batches. */
function* visibleChildren(
  reading: Reading,
  parentId: string,
  relType: RelType,
  order: 'newest' | 'oldest',
  before?: number,
): Generator<RelationRow> {
  let place = order === 'newest' ? before : undefined
  for (let looked = 0; looked < MAX_LOOKED; looked += BATCH) {
    const range = order === 'newest' ? { to: place } : { from: place }
    const query = { parentIds: [parentId], relType, order, limit: BATCH, ...range }
    const batch = childrenOf(reading.room.store.sql, query)
    for (const child of batch) {
      place = order === 'newest' ? child.child_pos : child.child_pos + 1
      if (mayShow(reading, { pos: child.child_pos, state_key: null, ...child })) yield child
    }
    if (batch.length < BATCH) return
  }
}

function mayShow(
  { viewer, ignored }: Reading,
  event: Pick<EventRow, 'pos' | 'type' | 'state_key' | 'sender'>,
): boolean {
  return !(event.state_key === null && ignored.includes(event.sender)) && viewer.maySee(event)
}
