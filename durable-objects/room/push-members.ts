/** The members with pushers, each with the position up to which its User object knows what there is to push. */
import type { PushNews, TimelineEvent } from '../../src/ports.ts'
import type { Pdu } from '../../src/protocol/event.ts'
import { stringField } from '../../src/protocol/json-fields.ts'
import type { RoomContext } from './context.ts'
import type { RoomHost } from './host.ts'
import { readUpTo } from './receipts.ts'
import { pushFacts } from './unread.ts'

export const PUSH_MEMBERS_TABLE = `
  CREATE TABLE push_members (user_id TEXT PRIMARY KEY, pos INTEGER NOT NULL) WITHOUT ROWID;
`

/** Members told in one go, and events in one call. */
const SLICE = 50
const EVENTS = 50

type MemberRow = { user_id: string; pos: number }
type EventRow = {
  pos: number
  event_id: string
  type: string
  state_key: string | null
  sender: string
  ts: number
  pdu: string
}

/** Notes whether a member has pushers. What came before is not pushed. */
export function setPushMember({ store }: RoomContext, userId: string, wanted: boolean): void {
  if (wanted && store.member(userId)?.membership === 'join') {
    store.sql.exec('INSERT OR IGNORE INTO push_members (user_id, pos) VALUES (?, ?)', userId, store.head)
  } else {
    store.sql.exec('DELETE FROM push_members WHERE user_id = ?', userId)
  }
}

/** Tells the User objects of those who stand behind. @throws when one could not be reached: told again later */
export async function tellPushMembers({ room, objects }: Pick<RoomHost, 'room' | 'objects'>) {
  const { store, clock } = room
  const behind = () => {
    const query = 'SELECT user_id, pos FROM push_members WHERE pos < (SELECT max(pos) FROM events) LIMIT ?'
    return store.sql.exec<MemberRow>(query, SLICE).toArray()
  }
  const told = await Promise.allSettled(
    behind().map(async ({ user_id: userId, pos }) => {
      if (store.member(userId)?.membership !== 'join') return setPushMember(room, userId, false)
      const { news, upTo } = newsFor(room, userId, pos)
      if (news !== undefined) await objects.user(userId).pushNews(news)
      store.sql.exec('UPDATE push_members SET pos = ? WHERE user_id = ?', upTo, userId)
    }),
  )
  const failed = told.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
  return behind().length > 0 ? clock.now() : undefined
}

/** What came after a position that the member has not read. */
function newsFor(room: RoomContext, userId: string, after: number): { news?: PushNews; upTo: number } {
  const { store } = room
  const query = `SELECT pos, event_id, type, state_key, sender, ts, pdu, flags FROM events
    WHERE pos > ? ORDER BY pos LIMIT ?`
  const rows = store.sql.exec<EventRow & { flags: number }>(query, after, EVENTS).toArray()
  const upTo = rows.at(-1)?.pos ?? after
  const read = readUpTo(store, userId).room
  const events = rows
    .filter(({ flags, sender, pos }) => flags === 0 && sender !== userId && pos > read)
    .map(timelineEvent)
  if (events.length === 0) return { upTo }
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
  return { news, upTo }
}

function timelineEvent({ pos, event_id, type, state_key, sender, ts, pdu }: EventRow): TimelineEvent {
  const { content } = JSON.parse(pdu) as Pdu
  const event = { event_id, type, sender, content, origin_server_ts: ts }
  return { pos, event: state_key === null ? event : { ...event, state_key } }
}

function nameOf({ store }: RoomContext, userId: string): string | undefined {
  return stringField(store.get('m.room.member', userId)?.pdu.content.displayname)
}

function namesOf(room: RoomContext, events: readonly TimelineEvent[]): Record<string, string> {
  const senders = new Set(events.map(({ event }) => event.sender))
  return Object.fromEntries(
    [...senders].flatMap((userId) => {
      const name = nameOf(room, userId)
      return name === undefined ? [] : [[userId, name]]
    }),
  )
}
