/** Unread counts of the user's rooms: learned from the Rooms' answers, and kept up by what wakes bring. Memory only. */
import type { Increment, Receipt, RoomSlice } from '../../../src/objects/room/sync.ts'
import type { News } from '../../../src/objects/user/sync.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { MAIN_THREAD } from '../../../src/protocol/events/thread.ts'
import { integerField } from '../../../src/protocol/json-fields.ts'
import type { Filter } from '../../../src/protocol/matching/filter.ts'
import { contextChanges } from '../../../src/protocol/push/push-context.ts'
import { evaluatePush, type PushEvent } from '../../../src/protocol/push/push-evaluator.ts'
import { impliesRead } from '../../../src/protocol/rooms/implied-read.ts'
import { UnreadList } from './streams/unread-list.ts'

/** Unread events kept, over all rooms: the rooms that were asked for longest ago are then counted anew. */
const KEPT_EVENTS = 20_000
/** Client-Server API §m.room.power_levels: the level that a notification needs by default. */
const DEFAULT_NOTIFICATION_LEVEL = 50

/** The user's side of counting. */
export interface Reader {
  userId: string
  /** The value of `global` of their push rules. */
  ruleset: () => JsonObject
  ignored: () => ReadonlySet<string>
}

interface RoomUnread {
  /** Everything up to this position is counted. */
  upTo: number
  events: UnreadList
  displayName?: string
}

export class UnreadCounts {
  readonly #reader: Reader
  readonly #rooms = new Map<string, RoomUnread>()
  #kept = 0

  constructor(reader: Reader) {
    this.#reader = reader
  }

  /** What is unread in a room at a position; undefined where that is not known here. */
  at(roomId: string, head: number): UnreadList | undefined {
    const known = this.#rooms.get(roomId)
    return known?.upTo === head ? known.events : undefined
  }

  /** What is unread in a room as far as this object knows; undefined where it knows nothing. */
  known(roomId: string): UnreadList | undefined {
    return this.#rooms.get(roomId)?.events
  }

  /** The position up to which a room is counted here. */
  countedUpTo(roomId: string): number | undefined {
    return this.#rooms.get(roomId)?.upTo
  }

  /** A Room's answer. */
  learn(roomId: string, { head, unread }: RoomSlice): void {
    const known = this.#rooms.get(roomId)
    if (unread === undefined || (known !== undefined && known.upTo > head)) return
    this.#put(roomId, { ...unread, upTo: head, events: UnreadList.of(unread.events) })
  }

  /** Counts what a wake carries. A room of which something is missing is counted anew at the next sync. */
  advance({ roomId, to, increment }: News): void {
    const known = this.#rooms.get(roomId)
    if (known === undefined || to <= known.upTo) return
    if (increment === undefined || increment.from > known.upTo || this.#isJudgedAnew(increment)) {
      this.forget(roomId)
      return
    }
    this.#put(roomId, this.#advanced(roomId, known, increment))
  }

  forget(roomId: string): void {
    this.#kept -= this.#rooms.get(roomId)?.events.length ?? 0
    this.#rooms.delete(roomId)
  }

  /** The rules have changed: everything counts anew. */
  forgetAll(): void {
    this.#rooms.clear()
    this.#kept = 0
  }

  #put(roomId: string, room: RoomUnread): void {
    this.forget(roomId)
    this.#rooms.set(roomId, room)
    this.#kept += room.events.length
    while (this.#kept > KEPT_EVENTS && this.#rooms.size > 1) {
      this.forget(this.#rooms.keys().next().value as string)
    }
  }

  #advanced(roomId: string, known: RoomUnread, increment: Increment): RoomUnread {
    const { userId } = this.#reader
    const { threads = {}, redacted = [] } = increment.push ?? {}
    const ignored = this.#reader.ignored()
    let { events } = known
    if (redacted.length > 0) events = events.filter(({ pos }) => !redacted.includes(pos))
    for (const { event, pos, unattended } of increment.events) {
      if (pos <= known.upTo) continue
      const thread = threads[pos] ?? MAIN_THREAD
      // "Sending an own event implies read up to it", in its thread.
      if (event.sender === userId && impliesRead(event, unattended === true))
        events = events.filter((unread) => unread.thread !== thread)
      if (ignored.has(event.sender) || redacted.includes(pos)) continue
      const verdict = this.#judge({ ...event, room_id: roomId } as unknown as PushEvent, known, increment)
      if (verdict.notify) events = events.plus({ pos, thread, highlight: verdict.highlight })
    }
    const own = (increment.receipts ?? []).filter((receipt) => receipt.userId === userId)
    return { ...known, upTo: increment.to, events: own.reduce(withoutRead, events) }
  }

  /** Whether the room has changed so that the rules may judge known events otherwise. */
  #isJudgedAnew({ events, push }: Increment): boolean {
    const { userId, ruleset } = this.#reader
    return push !== undefined && contextChanges({ userId, ruleset: ruleset() }, events, push.joined)
  }

  #judge(event: PushEvent, { displayName }: RoomUnread, { push }: Increment) {
    const { userId, ruleset } = this.#reader
    return evaluatePush(ruleset(), event, {
      userId,
      displayName,
      joined: push?.joined ?? 0,
      mayNotify: (key) =>
        (push?.levels[event.sender] ?? 0) >=
        (integerField(push?.notifications[key]) ?? DEFAULT_NOTIFICATION_LEVEL),
    })
  }
}

/** Without what a receipt marks as read: its thread up to the event, or every thread. */
function withoutRead(events: UnreadList, { threadId, eventPos }: Receipt): UnreadList {
  return events.filter(({ pos, thread }) => pos > eventPos || (threadId !== undefined && thread !== threadId))
}

export interface Counts extends JsonObject {
  notification_count: number
  highlight_count: number
}

/** The counts of a room as /sync shows them: of the main timeline and of each thread, where they are wanted apart. */
export function countsOf(unread: UnreadList, byThread: boolean): { room: Counts; threads: JsonObject } {
  if (!byThread) {
    return {
      room: { notification_count: unread.length, highlight_count: unread.highlights },
      threads: {},
    }
  }
  const counts = new Map([[MAIN_THREAD, noCounts()]])
  for (const { thread, highlight } of unread) {
    const counted = counts.get(thread) ?? noCounts()
    counted.notification_count += 1
    counted.highlight_count += Number(highlight)
    counts.set(thread, counted)
  }
  const { [MAIN_THREAD]: room = noCounts(), ...threads } = Object.fromEntries(counts)
  return { room, threads }
}

function noCounts(): Counts {
  return { notification_count: 0, highlight_count: 0 }
}

/** The stable name, and the one of MSC3773: some clients still use it. */
const THREAD_COUNTS = [
  'unread_thread_notifications',
  'org.matrix.msc3773.unread_thread_notifications',
] as const

/**
 * The counts of a joined room in /sync: of its threads apart where the filter wants that, and only where there are
 * any: for clients, no field means that all threads are read.
 */
export function unreadFields(unread: UnreadList | undefined, filter: Filter | undefined): JsonObject {
  if (unread === undefined) return {}
  const fields = THREAD_COUNTS.filter((name) => filter?.room?.timeline?.[name])
  const { room, threads } = countsOf(unread, fields.length > 0)
  const shown = Object.keys(threads).length > 0 ? fields : []
  return { unread_notifications: room, ...Object.fromEntries(shown.map((name) => [name, threads])) }
}
