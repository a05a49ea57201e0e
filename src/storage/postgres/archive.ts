/** The archive in Postgres: the logs of rooms and users, applied in order, once or many times alike. */
import type { ArchiveStore, RoomLogEntry, UserLogEntry } from '../../ports/archive.ts'
import { fold } from '../../protocol/matching/fold.ts'
import { apartStatements } from './archive-apart.ts'
import { batchStatement, roomRow } from './archive-batch.ts'
import { derivedStatements, type SearchDocument } from './archive-derived.ts'
import type { Sql } from './client.ts'
import { storable } from './text.ts'

/** Holds the room's row for the transaction: a batch sent again waits for the one whose answer was lost. */
const LOCK_ROOM = `
  insert into rooms as known (room_id, version) values ($1::text, $2::text)
  on conflict (room_id) do update set version = known.version`

/**
 * How long something deleted stands there without a body, µs of the user's log: a batch that held it and is late must not
 * bring it back. Each batch takes more of them away than it can leave.
 */
const LATEST_BATCH = 600_000_000
const MOST_FORGOTTEN = 1_000

const APPLY_USER = `
  with entry as (
    select distinct on (kind, key) kind, key, seq, body, folded
    from jsonb_to_recordset($2::jsonb) as e (kind text, key text, seq bigint, body text, folded text)
    order by kind, key, seq desc
  ), gone as (
    select kind, key from user_records as held
    where user_id = $1::text and body is null and seq < (select max(seq) from entry) - ${LATEST_BATCH}
      and not exists (select 1 from entry where entry.kind = held.kind and entry.key = held.key)
    limit ${MOST_FORGOTTEN}
  ), forgotten as (
    delete from user_records as held using gone
    where held.user_id = $1::text and held.kind = gone.kind and held.key = gone.key and held.body is null
  )
  insert into user_records as held (user_id, kind, key, seq, body, folded)
  select $1::text, kind, key, seq, body, folded from entry
  on conflict (user_id, kind, key) do update
    set seq = excluded.seq, body = excluded.body, folded = excluded.folded
  where held.seq < excluded.seq`

/** After the batch's state; a key that was set again since then stays. */
const END_STATE = `
  delete from room_state as held
  using jsonb_to_recordset($2::jsonb) as e (kind text, pos bigint, type text, state_key text, current boolean)
  where e.kind = 'moved' and not e.current and held.room_id = $1::text and held.type = e.type
    and held.state_key = e.state_key and held.pos < e.pos`

/** After the batch's memberships; a user that has come back since then has forgotten nothing. */
const FORGET = `
  update room_memberships as held set forgotten = true
  from jsonb_to_recordset($2::jsonb) as e (kind text, pos bigint, user_id text)
  where e.kind = 'forgotten' and held.room_id = $1::text and held.user_id = e.user_id and held.pos < e.pos
    and held.membership in ('leave', 'ban')`

const ERASE = `
  update room_memberships as held set erased_pos = e.erased_pos
  from jsonb_to_recordset($2::jsonb) as e (kind text, user_id text, erased_pos bigint)
  where e.kind = 'erased' and held.room_id = $1::text and held.user_id = e.user_id
    and held.erased_pos is null`

/** An erased user sends nothing again: transaction ids are not needed any more. */
const FORGET_SENDS = `
  update events set txn = null from jsonb_to_recordset($2::jsonb) as e (kind text, user_id text)
  where e.kind = 'erased' and events.room_id = $1::text and events.sender = e.user_id and events.txn is not null`

/** Before the batch raises the archived position, which tells a repeated one. */
const MOVE_ALIASES = `
  update aliases set room_id = $2::text, pending_until = null
  where room_id = $1::text and $3::bigint > (select archived_pos from rooms where room_id = $1::text)`

/** After the batch, in which the old room may have been listed; its own position tells a repeated one. */
const MOVE_LISTING = `
  with unlisted as (
    update public_rooms set listed = false, pos = $3::bigint
    where room_id = $1::text and listed and pos < $3::bigint
    returning 1
  )
  insert into public_rooms as held (room_id, listed, pos) select $2::text, true, 0 from unlisted
  on conflict (room_id) do nothing`

/** The archive over this database. */
export function postgresArchive(
  sql: Sql,
  clock: { now(): number },
  searchDocument: SearchDocument,
): ArchiveStore {
  return {
    async applyRoom(roomId, roomVersion, entries) {
      if (entries.length === 0) return
      const settled = redactedWithin(entries)
      const rows = settled.map((entry) => roomRow(entry, clock.now()))
      const batch = JSON.stringify(rows)
      const replaced = entries.filter((entry) => entry.kind === 'replaced')
      const move = (text: string) => replaced.map((by) => ({ text, values: [roomId, by.roomId, by.pos] }))
      const marks = [
        { kind: 'moved', text: END_STATE },
        { kind: 'forgotten', text: FORGET },
        { kind: 'erased', text: ERASE },
        { kind: 'erased', text: FORGET_SENDS },
      ].filter(({ kind }) => entries.some((entry) => entry.kind === kind))
      await sql.transaction([
        { text: LOCK_ROOM, values: [roomId, roomVersion] },
        ...move(MOVE_ALIASES),
        ...apartStatements(roomId, settled),
        { text: batchStatement(rows), values: [roomId, batch] },
        ...marks.map(({ text }) => ({ text, values: [roomId, batch] })),
        ...move(MOVE_LISTING),
        ...derivedStatements(roomId, settled, searchDocument),
      ])
    },
    async applyUser(userId, entries) {
      if (entries.length === 0) return
      await sql.query(APPLY_USER, [userId, JSON.stringify(entries.map((entry) => userRow(userId, entry)))])
    },
  }
}

/** A statement does not see the rows it inserts: an event redacted in its own batch goes in redacted. */
function redactedWithin(entries: RoomLogEntry[]): (RoomLogEntry & { redacted?: boolean })[] {
  const redactions = new Map<string, string>()
  for (const entry of entries) if (entry.kind === 'redacted') redactions.set(entry.eventId, entry.pdu)
  const last = entries.filter(
    (entry) => entry.kind !== 'redacted' || redactions.get(entry.eventId) === entry.pdu,
  )
  return last.map((entry) => {
    if (entry.kind !== 'event' && entry.kind !== 'placed') return entry
    const pdu = redactions.get(entry.eventId)
    if (pdu === undefined) return { ...entry, redacted: false }
    if (entry.kind === 'event') return { ...entry, pdu, redacted: true }
    return { ...entry, event: entry.event && { ...entry.event, pdu }, redacted: true }
  })
}

function userRow(userId: string, { kind, key, seq, body }: UserLogEntry): Record<string, unknown> {
  const name = kind === 'profile' && key === 'displayname' && body !== null ? JSON.parse(body) : undefined
  return {
    kind,
    key: storable(key),
    seq,
    body: body === null ? null : body.toWellFormed(),
    folded: typeof name === 'string' ? fold(storable(`${name.trim()} ${userId}`)) : null,
  }
}
