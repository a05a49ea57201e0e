/** What the User objects of the members with pushers are told: new events to push, and what has been read. */
import type { TimelineEvent } from '../../../src/objects/room/sync.ts'
import type { PushNews } from '../../../src/objects/user/settings.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { stringField } from '../../../src/protocol/json-fields.ts'
import type { Outlet } from '../../consumer.ts'
import { commit, type RoomReader } from '../context.ts'
import type { RoomHost } from '../host.ts'
import { hasAnswered, isRedacted, pushFacts } from '../read/unread.ts'
import { type EventRow, eventsAfter } from '../rows/events/events.ts'
import { readUpTo, threadFinder } from '../rows/members/receipts.ts'
import {
  behind,
  isAnyoneBehind,
  markTold,
  notePushRead,
  type PushMember,
  setPushMember,
} from '../rows/tell/push-members.ts'

/** Members told in one go, and events in one call. */
const SLICE = 50
const EVENTS = 50
/** Characters of the events in one call, but for one event. */
const CHARACTERS = 262_144

/** Tells the User objects of the members that stand behind, each from its own position. */
export function pushNews({ room, objects }: Pick<RoomHost, 'room' | 'objects'>): Outlet<PushMember> {
  const { store } = room
  return {
    batchPerRun: true,
    read: () => ({ items: behind(room, SLICE), more: () => isAnyoneBehind(room) }),

    async deliver({ user_id: userId, pos, has_read: hasRead }) {
      if (store.member(userId)?.membership !== 'join') {
        commit(room, (change) => setPushMember(change, userId, false))
        return
      }
      const { news, upTo, spoke } = newsFor(room, userId, pos)
      if (news !== undefined) await objects.user(userId).pushNews(news)
      // Marked as told before the number is sent, so that a read in between is sent again.
      commit(room, (change) => markTold(change, userId, upTo))
      if (hasRead === 0 && !spoke) return
      await objects
        .user(userId)
        .pushRead(store.roomId)
        .catch((error: unknown) => {
          commit(room, (change) => notePushRead(change, userId))
          throw error
        })
    },
  }
}

/** What came after a position that the member has not read, and what was redacted since. */
function newsFor(
  room: RoomReader,
  userId: string,
  after: number,
): { news?: PushNews; upTo: number; spoke: boolean } {
  const { store } = room
  const rows = within(CHARACTERS, eventsAfter(store.sql, after, EVENTS))
  const upTo = rows.at(-1)?.pos ?? after
  const read = readUpTo(store, userId)
  const threadIn = threadFinder(store)
  const isRead = ({ pos, pdu }: EventRow) =>
    pos <= read.room || pos <= (read.threads.get(threadIn((JSON.parse(pdu) as Pdu).content)) ?? 0)
  const events = rows
    .filter((row) => row.flags === 0 && !isRedacted(row))
    .filter((row) => row.type === 'm.room.redaction' || (row.sender !== userId && !isRead(row)))
    .map(timelineEvent)
  const spoke = rows.some((row) => row.sender === userId && hasAnswered(row))
  if (events.length === 0) return { upTo, spoke }
  const news: PushNews = {
    roomId: store.roomId,
    events,
    facts: pushFacts(room, events),
    senderNames: namesOf(room, events),
  }
  const roomName = stringField(store.get('m.room.name', '')?.pdu.content.name)
  const displayName = nameOf(room, userId)
  if (roomName !== undefined) news.roomName = roomName
  if (displayName !== undefined) news.displayName = displayName
  return { news, upTo, spoke }
}

/** The first rows, as many as are not too long together; one at least. */
function within<R extends { pdu: string }>(length: number, rows: Iterable<R>): R[] {
  const taken: R[] = []
  let left = length
  for (const row of rows) {
    left -= row.pdu.length
    if (left < 0 && taken.length > 0) break
    taken.push(row)
  }
  return taken
}

function timelineEvent({ pos, event_id, type, state_key, sender, ts, pdu }: EventRow): TimelineEvent {
  const { content, redacts } = JSON.parse(pdu) as Pdu
  const event = {
    ...{ event_id, type, sender, content, origin_server_ts: ts },
    ...(redacts !== undefined && { redacts }),
  }
  return { pos, event: state_key === null ? event : { ...event, state_key } }
}

function nameOf({ store }: RoomReader, userId: string): string | undefined {
  return stringField(store.get('m.room.member', userId)?.pdu.content.displayname)
}

function namesOf(room: RoomReader, events: readonly TimelineEvent[]): Record<string, string> {
  const senders = new Set(events.map(({ event }) => event.sender))
  return Object.fromEntries(
    [...senders].flatMap((userId) => {
      const name = nameOf(room, userId)
      return name === undefined ? [] : [[userId, name]]
    }),
  )
}
