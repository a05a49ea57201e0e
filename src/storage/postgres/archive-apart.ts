/** What a batch of a room's log says of branches: events that came to a place of their own, and a Room's records. */
import type { PlacedEvent, RoomLogEntry, StatesAround } from '../../ports/archive.ts'
import type { SqlStatement } from './client.ts'
import { storable } from './text.ts'

type Entry = RoomLogEntry & { redacted?: boolean }

/**
 * An event comes to its place once more when more is known of it. Its text is that of when it was told, so what a
 * redaction had taken is not in it. Before the batch's redactions, which find it then.
 */
const PLACE = `
  insert into events as held (event_id, room_id, pos, depth, type, state_key, sender, ts, pdu, redacted, in_state,
    flags, state_pos, state_group, after_group, placed_pos)
  select distinct on (event_id) event_id, $1::text, pos, depth, type, state_key, sender, ts, pdu, redacted, current,
    flags, state_pos, state_group, after_group, placed_pos
  from jsonb_to_recordset($2::jsonb) as e (
    event_id text, pos bigint, depth bigint, type text, state_key text, sender text, ts bigint, pdu text,
    redacted boolean, current boolean, flags smallint, state_pos bigint, state_group bigint, after_group bigint,
    placed_pos bigint
  ) order by event_id, placed_pos desc
  on conflict (event_id) do update
    set pos = excluded.pos, in_state = excluded.in_state, flags = excluded.flags, state_pos = excluded.state_pos,
      state_group = excluded.state_group, after_group = excluded.after_group, placed_pos = excluded.placed_pos,
      pdu = excluded.pdu, redacted = held.redacted or excluded.redacted
  where held.room_id = excluded.room_id and coalesce(held.placed_pos, held.pos) < excluded.placed_pos`

/** Before the batch raises the archived position, which tells a repeated one: what has gone must not come back. */
const KEEP_RECORDS = `
  with entry as (
    select distinct on (kind, key) kind, key, body, pos
    from jsonb_to_recordset($2::jsonb) as e (kind text, key text, body text, pos bigint)
    where pos > (select archived_pos from rooms where room_id = $1::text)
    order by kind, key, pos desc
  ), kept as (
    insert into room_records as held (room_id, kind, key, body, pos)
    select $1::text, kind, key, body, pos from entry where body is not null
    on conflict (room_id, kind, key) do update set body = excluded.body, pos = excluded.pos
  )
  delete from room_records as held using entry
  where entry.body is null and held.room_id = $1::text and held.kind = entry.kind and held.key = entry.key`

/** None for a batch of a room of this server alone. They stand before those of the batch itself. */
export function apartStatements(roomId: string, entries: readonly Entry[]): SqlStatement[] {
  const statement = (text: string, rows: object[]) =>
    rows.length === 0 ? [] : [{ text, values: [roomId, JSON.stringify(rows)] }]
  return [
    ...statement(PLACE, entries.flatMap(placedRow)),
    ...statement(KEEP_RECORDS, entries.flatMap(recordRow)),
  ]
}

export function aroundColumns(around: StatesAround | undefined): object {
  if (around === undefined) return {}
  return { state_pos: around.pos, state_group: around.before, after_group: around.after }
}

function placedRow(entry: Entry): object[] {
  if (entry.kind !== 'placed' || entry.event === undefined) return []
  const { eventId, event, pos, redacted = false } = entry
  return [{ event_id: eventId, placed_pos: pos, redacted, ...eventColumns(event) }]
}

function eventColumns({ at, around, pdu, sender, stateKey, type, ...same }: PlacedEvent): object {
  return {
    ...same,
    ...aroundColumns(around),
    pos: at,
    pdu: pdu.toWellFormed(),
    type: storable(type),
    state_key: stateKey === null ? null : storable(stateKey),
    sender: storable(sender),
  }
}

function recordRow(entry: Entry): object[] {
  if (entry.kind === 'moved') return moveRow(entry)
  if (entry.kind !== 'record') return []
  const { pos, record, key, body } = entry
  return [{ kind: record, key: storable(key), body: body?.toWellFormed() ?? null, pos }]
}

/** Moves stand in the order in which they came: their keys are as long as each other. */
const KEY_LENGTH = 16

function moveRow({ pos, at, type, stateKey, eventId, causeId }: Extract<Entry, { kind: 'moved' }>): object[] {
  if (at === undefined) return []
  const body = JSON.stringify({ at, type, stateKey, eventId, causeId })
  return [{ kind: 'move', key: String(pos).padStart(KEY_LENGTH, '0'), body, pos }]
}
