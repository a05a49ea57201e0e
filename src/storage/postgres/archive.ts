/** The archive in Postgres: the logs of rooms and users, applied in order, once or many times alike. */
import type { ArchiveStore, RoomLogEntry, UserLogEntry } from '../../ports/archive.ts'
import { fold } from '../../protocol/matching/fold.ts'
import { apartStatements, aroundColumns } from './archive-apart.ts'
import { derivedStatements, type SearchDocument } from './archive-derived.ts'
import type { Sql } from './client.ts'
import { storable } from './text.ts'

/** Holds the room's row for the transaction: a batch sent again waits for the one whose answer was lost. */
const LOCK_ROOM = `
  insert into rooms as known (room_id, version) values ($1::text, $2::text)
  on conflict (room_id) do update set version = known.version`

/**
 * One batch. Rows guard themselves by position. An event that is there already stays, since it may have been redacted
 * since. When an old batch is repeated, a removed alias must not come back, nor a key of the state that has ended, nor
 * what a second redaction took from an event: they ask the room's row.
 */
const APPLY_ROOM = `
  with entry as (
    select * from jsonb_to_recordset($2::jsonb) as e (
      kind text, pos bigint, event_id text, depth bigint, pdu text, type text, state_key text, sender text,
      ts bigint, current boolean, membership text, redacted boolean, alias text, creator text, listed boolean, txn text,
      state_pos bigint, state_group bigint, after_group bigint, user_id text, receipt_type text, thread_id text, event_pos bigint, delay_id text, body text
    )
  ), appended as (
    insert into events (event_id, room_id, pos, depth, type, state_key, sender, ts, pdu, redacted, txn, in_state,
      state_pos, state_group, after_group)
    select event_id, $1::text, pos, depth, type, state_key, sender, ts, pdu, redacted, txn, current,
      state_pos, state_group, after_group from entry
    where kind = 'event'
    on conflict (event_id) do nothing
  ), rewritten as (
    update events set pdu = entry.pdu, redacted = true
    from entry where entry.kind = 'redacted' and events.event_id = entry.event_id
      and entry.pos >= (select archived_pos from rooms where room_id = $1::text)
  ), state as (
    insert into room_state as held (room_id, type, state_key, event_id, pos)
    select distinct on (type, state_key) $1::text, type, state_key, event_id, pos from entry
    where kind in ('event', 'moved') and current and state_key is not null
      and pos > (select archived_pos from rooms where room_id = $1::text)
    order by type, state_key, pos desc
    on conflict (room_id, type, state_key) do update set event_id = excluded.event_id, pos = excluded.pos
    where held.pos < excluded.pos
  ), member as (
    insert into room_memberships as held (room_id, user_id, membership, event_id, pos)
    select distinct on (state_key) $1::text, state_key, membership, event_id, pos from entry
    where kind in ('event', 'moved') and (current or kind = 'moved') and membership is not null
    order by state_key, pos desc
    on conflict (room_id, user_id) do update
      set membership = excluded.membership, event_id = excluded.event_id, pos = excluded.pos,
        forgotten = held.forgotten and excluded.membership in ('leave', 'ban')
    where held.pos < excluded.pos
  ), receipt as (
    insert into receipts as held (room_id, user_id, receipt_type, thread_id, event_id, event_pos, ts, pos)
    select distinct on (user_id, receipt_type, thread_id)
      $1::text, user_id, receipt_type, thread_id, event_id, event_pos, ts, pos from entry
    where kind = 'receipt' order by user_id, receipt_type, thread_id, pos desc
    on conflict (room_id, user_id, receipt_type, thread_id) do update
      set event_id = excluded.event_id, event_pos = excluded.event_pos, ts = excluded.ts, pos = excluded.pos
    where held.pos < excluded.pos
  ), delayed as (
    insert into delayed_events as held (room_id, delay_id, body, pos)
    select distinct on (delay_id) $1::text, delay_id, body, pos from entry
    where kind = 'delayed' order by delay_id, pos desc
    on conflict (room_id, delay_id) do update set body = excluded.body, pos = excluded.pos
    where held.pos < excluded.pos
  ), named as (
    insert into aliases as held (alias, room_id, creator, created_ts)
    select distinct on (alias) alias, $1::text, creator, $3::bigint from entry
    where kind = 'alias' and pos >= (select archived_pos from rooms where room_id = $1::text)
    on conflict (alias) do update set pending_until = null where held.room_id = excluded.room_id
  ), listing as (
    insert into public_rooms as held (room_id, listed, pos)
    select $1::text, listed, pos from entry where kind = 'visibility' order by pos desc limit 1
    on conflict (room_id) do update set listed = excluded.listed, pos = excluded.pos
    where held.pos < excluded.pos
  )
  update rooms set archived_pos = greatest(archived_pos, (select max(pos) from entry))
  where room_id = $1::text`

const APPLY_USER = `
  insert into user_records as held (user_id, kind, key, seq, body, folded)
  select distinct on (kind, key) $1::text, kind, key, seq, body, folded
  from jsonb_to_recordset($2::jsonb) as e (kind text, key text, seq bigint, body text, folded text)
  order by kind, key, seq desc
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
      const batch = JSON.stringify(settled.map(roomRow))
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
        { text: APPLY_ROOM, values: [roomId, batch, clock.now()] },
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

/** An entry under the names of the columns. */
function roomRow(entry: RoomLogEntry & { redacted?: boolean }): Record<string, unknown> {
  const { kind, pos } = entry
  switch (entry.kind) {
    case 'event':
      return {
        kind,
        pos,
        event_id: entry.eventId,
        depth: entry.depth,
        pdu: entry.pdu.toWellFormed(),
        type: storable(entry.type),
        state_key: entry.stateKey === null ? null : storable(entry.stateKey),
        sender: storable(entry.sender),
        ts: entry.ts,
        current: entry.current,
        membership: entry.membership === null ? null : storable(entry.membership),
        redacted: entry.redacted,
        txn: entry.txn == null ? null : storable(entry.txn),
        ...aroundColumns(entry.around),
      }
    case 'placed':
    case 'record':
      return { kind, pos }
    case 'moved':
      return {
        kind,
        pos,
        event_id: entry.eventId ?? entry.causeId,
        type: storable(entry.type),
        state_key: storable(entry.stateKey),
        current: entry.eventId !== null,
        membership: entry.membership === null ? null : storable(entry.membership),
      }
    case 'redacted':
      return { kind, pos, event_id: entry.eventId, pdu: entry.pdu.toWellFormed() }
    case 'alias':
      return { kind, pos, alias: storable(entry.alias), creator: storable(entry.creator) }
    case 'visibility':
      return { kind, pos, listed: entry.public }
    case 'forgotten':
      return { kind, pos, user_id: storable(entry.userId) }
    case 'delayed':
      return { kind, pos, delay_id: storable(entry.delayId), body: entry.body?.toWellFormed() ?? null }
    case 'erased':
      return { kind, pos, user_id: storable(entry.userId), erased_pos: entry.erasedPos }
    case 'replaced':
      return { kind, pos }
    case 'receipt':
      return {
        kind,
        pos,
        user_id: storable(entry.userId),
        receipt_type: entry.type,
        thread_id: storable(entry.threadId ?? ''),
        event_id: storable(entry.eventId),
        event_pos: entry.eventPos,
        ts: entry.ts,
      }
  }
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
