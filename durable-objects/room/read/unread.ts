/** Which events a member has not read and is notified of: counted when somebody looks, by their push rules. */
import type {
  PullRequest,
  PushFacts,
  RoomSlice,
  TimelineEvent,
  UnreadEvent,
  UnreadRequest,
} from '../../../src/objects/room/sync.ts'
import { powerLevels } from '../../../src/protocol/auth/power-levels.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { MAIN_THREAD } from '../../../src/protocol/events/thread.ts'
import { objectField, stringField } from '../../../src/protocol/json-fields.ts'
import { MatchWork } from '../../../src/protocol/matching/match-work.ts'
import { evaluatePush, type PushContext, type PushEvent } from '../../../src/protocol/push/push-evaluator.ts'
import { defaultPushRules, ignoresMemberEvents } from '../../../src/protocol/push/push-rules.ts'
import { impliesRead } from '../../../src/protocol/rooms/implied-read.ts'
import type { RoomReader } from '../context.ts'
import { maybeUnread, type UnreadRow } from '../rows/events/unread-rows.ts'
import { readUpTo, threadFinder, threadRoot } from '../rows/members/receipts.ts'
import type { RowReader } from '../rows/reader.ts'
import { isUnattended } from './client-events.ts'

/** Older events than these count for nothing. */
const SCANNED = 5_000

/**
 * What a joined member has not read. Their own events mark what came before as read, each in its thread ("sending
 * an own event implies read up to it"), and nothing from before they joined counts.
 */
export function unreadFor(
  room: RoomReader,
  { userId, ignored: unwanted }: Pick<PullRequest, 'userId' | 'ignored'>,
  request: UnreadRequest,
): RoomSlice['unread'] {
  const { store } = room
  const member = store.member(userId)
  if (member === undefined) return undefined
  const contextOf = pushContext(room, userId)
  const { displayName } = contextOf(userId)
  const read = readUpTo(store, userId)
  const floor = Math.max(read.room, member.sincePos)
  const main = Math.max(floor, read.threads.get(MAIN_THREAD) ?? 0)
  const ruleset = request.ruleset ?? defaultPushRules(userId)
  const ignored = new Set(unwanted)
  const answered = new Map<string, number>()
  const events: UnreadEvent[] = []
  const walk = MatchWork.walk()
  const threadIn = threadFinder(store)
  // Member events that no rule looks at are not read: a room may consist of them.
  const membersOf = ignoresMemberEvents(ruleset) ? userId : undefined
  for (const row of rowsAfter(store, { after: floor, main, membersOf })) {
    // Older events count for nothing, like those beyond the number that is scanned.
    if (!walk.search(row.pdu.length)) break
    const pdu = JSON.parse(row.pdu) as Pdu
    const thread = threadIn(pdu.content)
    const bound = Math.max(floor, read.threads.get(thread) ?? 0, answered.get(thread) ?? 0)
    if (row.pos <= bound) continue
    if (row.sender === userId && hasAnswered(row)) answered.set(thread, row.pos)
    if (ignored.has(row.sender) || pdu.unsigned?.redacted_because !== undefined) continue
    const event = pushEvent(row, pdu, store.roomId)
    const context = contextOf(row.sender)
    const { notify, highlight } = walk.evaluation((work) => evaluatePush(ruleset, event, context, work))
    if (notify) events.push({ pos: row.pos, thread, highlight })
  }
  events.reverse()
  return { events, ...(displayName === undefined ? {} : { displayName }) }
}

/** @param membersOf the user whose own member events are all that matter of such events; undefined: all do */
function rowsAfter(
  store: RowReader,
  wanted: { after: number; main: number; membersOf: string | undefined },
): Iterable<UnreadRow> {
  // Members have read their own events.
  const nothing = wanted.membersOf !== undefined && store.newestButMembers(SCANNED) <= wanted.after
  return nothing ? [] : maybeUnread(store.sql, { ...wanted, limit: SCANNED })
}

/** Whether an event says that its sender has read what came before. */
export function hasAnswered(row: Pick<UnreadRow, 'type' | 'sender' | 'state_key' | 'txn'>): boolean {
  return impliesRead(row, isUnattended(row.txn))
}

/** How many unread events there are; 0 for users outside the room. */
export function unreadCount(
  room: RoomReader,
  userId: string,
  request: UnreadRequest & { ignored: string[] },
): number {
  if (!room.store.exists || room.store.member(userId)?.membership !== 'join') return 0
  return unreadFor(room, { userId, ignored: request.ignored }, request)?.events.length ?? 0
}

/** What the rules look at besides an event. */
export function pushContext({ store }: RoomReader, userId: string): (sender: string) => PushContext {
  const displayName = stringField(store.get('m.room.member', userId)?.pdu.content.displayname)
  const levels = powerLevels(store.rules, store)
  const { joined } = store.counts
  return (sender) => ({
    userId,
    ...(displayName !== undefined && { displayName }),
    joined,
    mayNotify: (key) => levels.user(sender) >= levels.notification(key),
  })
}

export function pushEvent(row: UnreadRow, pdu: Pdu, roomId: string): PushEvent {
  const event: PushEvent = {
    event_id: row.event_id,
    room_id: roomId,
    type: row.type,
    sender: row.sender,
    content: pdu.content,
  }
  if (row.state_key !== null) event.state_key = row.state_key
  return event
}

/** Whether a redaction has taken effect on an event. */
export function isRedacted({ pdu }: Pick<UnreadRow, 'pdu'>): boolean {
  return (JSON.parse(pdu) as Pdu).unsigned?.redacted_because !== undefined
}

/** What the objects of the members need to count new events by themselves. */
export function pushFacts(room: RoomReader, events: readonly TimelineEvent[]): PushFacts {
  const { store } = room
  const levels = powerLevels(store.rules, store)
  const facts: PushFacts = {
    joined: store.counts.joined,
    // Creators stand above every level (Room Version 12); JSON has no infinity.
    levels: Object.fromEntries(
      events.map(({ event }) => [event.sender, Math.min(levels.user(event.sender), Number.MAX_SAFE_INTEGER)]),
    ),
    notifications: objectField(levels.content.notifications) ?? {},
    threads: {},
    redacted: [],
  }
  for (const { event, pos } of events) {
    const root = threadRoot(store, event.content as JsonObject)
    if (root !== undefined) facts.threads[pos] = root
    if (event.type !== 'm.room.redaction') continue
    // Room versions differ in where they say it.
    const target = event.redacts ?? event.content.redacts
    const redacted = typeof target === 'string' ? store.event(target) : undefined
    if (redacted !== undefined && isRedacted(redacted)) facts.redacted.push(redacted.pos)
  }
  return facts
}
