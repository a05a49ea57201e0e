/** One batch of a room's log as one statement, with no more in it than the batch needs. */
import type { RoomLogEntry } from '../../ports/archive.ts'
import { aroundColumns } from './archive-apart.ts'
import { storable } from './text.ts'

/** An entry as the statement reads it. */
export type RoomRow = { kind: RoomLogEntry['kind'] } & Record<string, unknown>

const ENTRIES = `
  select * from jsonb_to_recordset($2::jsonb) as e (
    kind text, pos bigint, event_id text, depth bigint, pdu text, type text, state_key text, sender text,
    ts bigint, current boolean, membership text, redacted boolean, alias text, creator text, listed boolean, txn text,
    state_pos bigint, state_group bigint, after_group bigint, user_id text, receipt_type text, thread_id text,
    event_pos bigint, delay_id text, body text
  )`

/** A table, and which entries it has rows for. */
interface Part {
  takes(row: RoomRow): boolean
  text: string
}

const isState = ({ kind }: RoomRow) => kind === 'event' || kind === 'moved'
const ofKind = (wanted: RoomRow['kind']) => (row: RoomRow) => row.kind === wanted

/** Of a repeated batch there is none: what was dropped since must not come back. */
const NEWEST_DELAYED = `
      select distinct on (delay_id) delay_id, body, pos from entry
      where kind = 'delayed' and pos > (select archived_pos from rooms where room_id = $1::text)
      order by delay_id, pos desc`

/**
 * Rows guard themselves by position. An event that is there already stays, since it may have been redacted since. When
 * an old batch is repeated, a removed alias must not come back, nor a key of the state that has ended, nor what a second
 * redaction took from an event: they ask the room's row.
 */
const PARTS: Readonly<Record<string, Part>> = {
  appended: {
    takes: ofKind('event'),
    text: `
    insert into events (event_id, room_id, pos, depth, type, state_key, sender, ts, pdu, redacted, txn, in_state,
      state_pos, state_group, after_group)
    select event_id, $1::text, pos, depth, type, state_key, sender, ts, pdu, redacted, txn, current,
      state_pos, state_group, after_group from entry
    where kind = 'event'
    on conflict (event_id) do nothing`,
  },
  rewritten: {
    takes: ofKind('redacted'),
    text: `
    update events set pdu = entry.pdu, redacted = true
    from entry where entry.kind = 'redacted' and events.event_id = entry.event_id
      and entry.pos >= (select archived_pos from rooms where room_id = $1::text)`,
  },
  state: {
    takes: (row) => isState(row) && row.current === true && row.state_key != null,
    text: `
    insert into room_state as held (room_id, type, state_key, event_id, pos)
    select distinct on (type, state_key) $1::text, type, state_key, event_id, pos from entry
    where kind in ('event', 'moved') and current and state_key is not null
      and pos > (select archived_pos from rooms where room_id = $1::text)
    order by type, state_key, pos desc
    on conflict (room_id, type, state_key) do update set event_id = excluded.event_id, pos = excluded.pos
    where held.pos < excluded.pos`,
  },
  member: {
    takes: (row) => isState(row) && row.membership != null,
    text: `
    insert into room_memberships as held (room_id, user_id, membership, event_id, pos)
    select distinct on (state_key) $1::text, state_key, membership, event_id, pos from entry
    where kind in ('event', 'moved') and (current or kind = 'moved') and membership is not null
    order by state_key, pos desc
    on conflict (room_id, user_id) do update
      set membership = excluded.membership, event_id = excluded.event_id, pos = excluded.pos,
        forgotten = held.forgotten and excluded.membership in ('leave', 'ban')
    where held.pos < excluded.pos`,
  },
  receipt: {
    takes: ofKind('receipt'),
    text: `
    insert into receipts as held (room_id, user_id, receipt_type, thread_id, event_id, event_pos, ts, pos)
    select distinct on (user_id, receipt_type, thread_id)
      $1::text, user_id, receipt_type, thread_id, event_id, event_pos, ts, pos from entry
    where kind = 'receipt' order by user_id, receipt_type, thread_id, pos desc
    on conflict (room_id, user_id, receipt_type, thread_id) do update
      set event_id = excluded.event_id, event_pos = excluded.event_pos, ts = excluded.ts, pos = excluded.pos
    where held.pos < excluded.pos`,
  },
  delayed: {
    takes: (row) => row.kind === 'delayed' && row.body != null,
    text: `
    insert into delayed_events as held (room_id, delay_id, body, pos)
    select $1::text, delay_id, body, pos from (${NEWEST_DELAYED}) as newest where body is not null
    on conflict (room_id, delay_id) do update set body = excluded.body, pos = excluded.pos`,
  },
  dropped: {
    takes: (row) => row.kind === 'delayed' && row.body == null,
    text: `
    delete from delayed_events as held using (${NEWEST_DELAYED}) as newest
    where newest.body is null and held.room_id = $1::text and held.delay_id = newest.delay_id`,
  },
  named: {
    takes: ofKind('alias'),
    text: `
    insert into aliases as held (alias, room_id, creator, created_ts)
    select distinct on (alias) alias, $1::text, creator, ts from entry
    where kind = 'alias' and pos >= (select archived_pos from rooms where room_id = $1::text)
    on conflict (alias) do update set pending_until = null where held.room_id = excluded.room_id`,
  },
  listing: {
    takes: ofKind('visibility'),
    text: `
    insert into public_rooms as held (room_id, listed, pos)
    select $1::text, listed, pos from entry where kind = 'visibility' order by pos desc limit 1
    on conflict (room_id) do update set listed = excluded.listed, pos = excluded.pos
    where held.pos < excluded.pos`,
  },
}

const REACHED = `
  update rooms set archived_pos = greatest(archived_pos, (select max(pos) from entry))
  where room_id = $1::text`

/**
 * The statement for these rows; its parameters are the room's id and the rows as JSON. Most batches hold messages alone,
 * and Postgres plans each statement anew: with all parts that took half the time of a batch.
 */
export function batchStatement(rows: readonly RoomRow[]): string {
  const parts = Object.entries(PARTS).filter(([, { takes }]) => rows.some(takes))
  const tables = [['entry', ENTRIES] as const, ...parts.map(([name, { text }]) => [name, text] as const)]
  return `with ${tables.map(([name, text]) => `${name} as (${text})`).join(', ')} ${REACHED}`
}

/**
 * An entry under the names of the columns.
 * @param now the time of what has none of its own, ms
 */
export function roomRow(entry: RoomLogEntry & { redacted?: boolean }, now: number): RoomRow {
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
      return { kind, pos, alias: storable(entry.alias), creator: storable(entry.creator), ts: now }
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
