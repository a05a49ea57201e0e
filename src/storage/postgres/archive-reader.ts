/** Reading the archive back: what a wiped Room or User object is made from again. */
import type { ArchiveReader, StatesAround } from '../../ports/archive.ts'
import type { Pdu } from '../../protocol/events/event.ts'
import type { Membership } from '../../protocol/rooms/membership.ts'
import type { Sql } from './client.ts'

const EXISTING = `
  select room_id from rooms where room_id = any(array(select jsonb_array_elements_text($1::jsonb)))`

const ALL_ROOMS = 'select room_id from rooms where room_id > $1::text order by room_id limit $2::int'

const SIZES = 'select (select count(*) from accounts) as users, (select count(*) from rooms) as rooms'

const ROOM = 'select version, archived_pos from rooms where room_id = $1::text'

const EVENTS = `
  select pos, event_id, pdu, in_state, txn, flags, state_pos, state_group, after_group from events
  where room_id = $1::text and pos > $2::bigint order by pos limit $3::int`

const ROOM_RECORDS = `
  select key, body, pos from room_records
  where room_id = $1::text and kind = $2::text and key > $3::text order by key limit $4::int`

const EVENT = 'select pdu from events where event_id = $1::text'

const ROOM_OF_EVENT = 'select room_id from events where event_id = $1::text'

const FORGOTTEN = 'select user_id from room_memberships where room_id = $1::text and forgotten'

const RECEIPTS = `
  select user_id, receipt_type, thread_id, event_id, event_pos, ts, pos from receipts where room_id = $1::text`

const DELAYED = 'select body from delayed_events where room_id = $1::text and body is not null'

// What a Room archives is JSON, in which quotes of a content are escaped: only the row's own sender is found.
const DELAYED_OF = `
  select room_id from room_memberships as members
  where user_id = $1::text and exists (
    select 1 from delayed_events as waiting
    where waiting.room_id = members.room_id and strpos(body, '"sender":' || to_json($1::text)) > 0)`

const ERASED = `
  select user_id, erased_pos from room_memberships where room_id = $1::text and erased_pos is not null`

const RECORDS = `
  select kind, key, body from user_records
  where user_id = $1::text and body is not null and (kind, key) > ($2::text, $3::text)
  order by kind, key limit $4::int`

const PUSHER_OWNERS = `
  select user_id from user_records where kind = 'pusher' and key = $1::text and body is not null limit 50`

const ROOMS = `
  select room_id, membership, event_id, pos, forgotten from room_memberships
  where user_id = $1::text order by room_id`

/** For the test of the plans. */
export const MEMBER_EVENTS = `
  select event_id, pdu from events
  where event_id = any(array(select jsonb_array_elements_text($2::jsonb)))
    and type = 'm.room.member' and state_key = $1::text`

const ACTIVITY = `
  select asked.room_id, last.ts, facts->>'room_type' as type, facts->>'encryption' is not null as encrypted
  from jsonb_array_elements_text($1::jsonb) as asked(room_id)
  cross join lateral (
    select ts from events where events.room_id = asked.room_id order by pos desc limit 1
  ) as last
  left join room_summaries on room_summaries.room_id = asked.room_id`

const CURRENT_STATE = `
  select events.pdu from room_state join events using (event_id)
  where room_state.room_id = $1::text
    and ((room_state.type = any(string_to_array($2::text, ',')) and room_state.state_key = '')
      or (room_state.type = 'm.room.member' and room_state.state_key = $3::text))
  order by events.pos`

function aroundOf(row: Record<string, unknown>): StatesAround {
  const groupOf = (id: unknown) => (id === null ? null : Number(id))
  return { pos: Number(row.state_pos), before: groupOf(row.state_group), after: groupOf(row.after_group) }
}

/** The archive's reading side over this database. */
export function postgresArchiveReader(sql: Sql): ArchiveReader {
  return {
    async existing(roomIds) {
      const rows = await sql.query(EXISTING, [JSON.stringify(roomIds)])
      return rows.map((row) => String(row.room_id))
    },
    async rooms(after, limit) {
      const rows = await sql.query(ALL_ROOMS, [after, limit])
      return rows.map((row) => String(row.room_id))
    },
    async sizes() {
      const [row] = await sql.query(SIZES, [])
      return { users: Number(row?.users), rooms: Number(row?.rooms) }
    },
    async room(roomId) {
      const [row] = await sql.query(ROOM, [roomId])
      if (row === undefined) return undefined
      return { version: String(row.version), archivedPos: Number(row.archived_pos) }
    },
    async event(eventId) {
      const [row] = await sql.query(EVENT, [eventId])
      return row === undefined ? undefined : String(row.pdu)
    },
    async roomEvents(roomId, after, limit) {
      const rows = await sql.query(EVENTS, [roomId, after, limit])
      return rows.map((row) => ({
        pos: Number(row.pos),
        eventId: String(row.event_id),
        pdu: String(row.pdu),
        inState: row.in_state === true,
        txn: row.txn === null ? null : String(row.txn),
        flags: Number(row.flags),
        ...(row.state_pos !== null && { around: aroundOf(row) }),
      }))
    },
    async roomRecords(roomId, kind, after, limit) {
      const rows = await sql.query(ROOM_RECORDS, [roomId, kind, after, limit])
      return rows.map((row) => ({ key: String(row.key), body: String(row.body), pos: Number(row.pos) }))
    },
    async activity(roomIds) {
      const rows = await sql.query(ACTIVITY, [JSON.stringify(roomIds)])
      return rows.map((row) => ({
        roomId: String(row.room_id),
        newest: Number(row.ts),
        type: row.type === null ? null : String(row.type),
        encrypted: row.encrypted === true,
      }))
    },
    async roomOfEvent(eventId) {
      const [row] = await sql.query(ROOM_OF_EVENT, [eventId])
      return row === undefined ? undefined : String(row.room_id)
    },
    async receiptsIn(roomId) {
      const rows = await sql.query(RECEIPTS, [roomId])
      return rows.map((row) => ({
        pos: Number(row.pos),
        userId: String(row.user_id),
        type: row.receipt_type === 'm.read' ? ('m.read' as const) : ('m.read.private' as const),
        ...(row.thread_id === '' ? {} : { threadId: String(row.thread_id) }),
        eventId: String(row.event_id),
        eventPos: Number(row.event_pos),
        ts: Number(row.ts),
      }))
    },
    async delayedIn(roomId) {
      const rows = await sql.query(DELAYED, [roomId])
      return rows.map((row) => String(row.body))
    },
    async delayedRoomsOf(userId) {
      const rows = await sql.query(DELAYED_OF, [userId])
      return rows.map((row) => String(row.room_id))
    },
    async forgottenBy(roomId) {
      const rows = await sql.query(FORGOTTEN, [roomId])
      return rows.map((row) => String(row.user_id))
    },
    async erasedIn(roomId) {
      const rows = await sql.query(ERASED, [roomId])
      return rows.map((row) => ({ userId: String(row.user_id), pos: Number(row.erased_pos) }))
    },
    async userRecords(userId, [kind, key], limit) {
      const rows = await sql.query(RECORDS, [userId, kind, key, limit])
      return rows.map((row) => ({ kind: String(row.kind), key: String(row.key), body: String(row.body) }))
    },
    async pusherOwners(key) {
      const rows = await sql.query(PUSHER_OWNERS, [key])
      return rows.map((row) => String(row.user_id))
    },
    async userRooms(userId) {
      const rows = await sql.query(ROOMS, [userId])
      return rows.map((row) => ({
        roomId: String(row.room_id),
        membership: String(row.membership) as Membership,
        pos: Number(row.pos),
        eventId: String(row.event_id),
        forgotten: row.forgotten === true,
      }))
    },
    async memberEvents(userId, eventIds) {
      const rows = await sql.query(MEMBER_EVENTS, [userId, JSON.stringify(eventIds)])
      return rows.map((row) => {
        const { sender, content, auth_events: authEvents } = JSON.parse(String(row.pdu)) as Pdu
        return {
          eventId: String(row.event_id),
          membership: content.membership as Membership,
          sender,
          authEvents,
        }
      })
    },
    async currentState(roomId, types, member) {
      const rows = await sql.query(CURRENT_STATE, [roomId, types.join(','), member])
      return rows.map((row) => JSON.parse(String(row.pdu)) as Pdu)
    },
  }
}
