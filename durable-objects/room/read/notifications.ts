/**
 * A member's notifications of this room, read and unread. They are computed at the request, by the push rules of that
 * moment.
 */
import type {
  NotificationsRequest,
  NotificationsSlice,
  RoomNotification,
} from '../../../src/objects/room/timeline.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { MatchWork } from '../../../src/protocol/matching/match-work.ts'
import { pushActions, verdictOf } from '../../../src/protocol/push/push-evaluator.ts'
import { defaultPushRules } from '../../../src/protocol/push/push-rules.ts'
import type { RoomReader } from '../context.ts'
import { type EventRow, newestShownAfter } from '../rows/events/events.ts'
import { readUpTo, threadFinder } from '../rows/members/receipts.ts'
import { Budget } from './budget.ts'
import { readingOf } from './reading.ts'
import { shownEvent } from './shown-event.ts'
import { hasAnswered, pushContext, pushEvent } from './unread.ts'

/** Older events than these are not looked through. */
const SCANNED = 2_000

/** Newest first; nothing from before the member joined. */
export function notificationsFor(
  room: RoomReader,
  viewer: Session,
  { ruleset, ignored: unwanted, before, limit, onlyHighlights }: NotificationsRequest,
): NotificationsSlice {
  const { store } = room
  const { userId } = viewer
  const member = store.member(userId)
  if (member?.membership !== 'join') return { found: [], isCut: false }
  const rules = ruleset ?? defaultPushRules(userId)
  const contextOf = pushContext(room, userId)
  const reading = readingOf(room, viewer, unwanted)
  const ignored = new Set(unwanted)
  const isRead = readMarks(room, userId)
  const found: RoomNotification[] = []
  const walk = MatchWork.walk()
  const budget = new Budget()
  for (const row of candidates(room, member.sincePos)) {
    if (found.length >= limit || !walk.search(row.pdu.length)) break
    const pdu = JSON.parse(row.pdu) as Pdu
    const read = isRead(row, pdu)
    if (ignored.has(row.sender) || !isBefore(row, before)) continue
    if (pdu.unsigned?.redacted_because !== undefined) continue
    const event = pushEvent(row, pdu, store.roomId)
    const actions = walk.evaluation((work) => pushActions(rules, event, contextOf(row.sender), work))
    const { notify, highlight } = verdictOf(actions)
    if (!notify || (onlyHighlights && !highlight)) continue
    const { room_id: _, ...shown } = shownEvent(reading, row)
    if (!budget.takes(JSON.stringify(shown).length)) return { found, isCut: true }
    found.push({ roomId: store.roomId, event: shown, actions, read, ts: row.ts })
  }
  return { found, isCut: false }
}

function candidates({ store }: RoomReader, after: number): Iterable<EventRow> {
  return newestShownAfter(store.sql, after, SCANNED)
}

/** Whether an event is read. Ask it of each event from the newest on: a receipt says so, or an own event after it. */
function readMarks({ store }: RoomReader, userId: string): (row: EventRow, pdu: Pdu) => boolean {
  const read = readUpTo(store, userId)
  const answered = new Set<string>()
  const threadIn = threadFinder(store)
  return (row, pdu) => {
    const thread = threadIn(pdu.content)
    if (row.sender === userId && hasAnswered(row)) answered.add(thread)
    const bound = Math.max(read.room, read.threads.get(thread) ?? 0)
    return row.pos <= bound || answered.has(thread)
  }
}

/** Across rooms there is one order: by time, and by event ID where that is the same. */
function isBefore({ ts, event_id }: EventRow, before: NotificationsRequest['before']): boolean {
  if (before === undefined) return true
  return ts < before.ts || (ts === before.ts && event_id < before.eventId)
}
