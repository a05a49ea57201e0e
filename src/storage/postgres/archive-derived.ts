/** What lists and searches read, derived from a batch of a room's log in the request that archives it. */
import type { RoomLogEntry, SearchableEvent } from '../../ports/archive.ts'
import type { JsonObject } from '../../protocol/events/canonical-json.ts'
import { objectField, stringField } from '../../protocol/json-fields.ts'
import { fold } from '../../protocol/matching/fold.ts'
import { factOf } from '../../protocol/rooms/room-summary.ts'
import type { SqlStatement } from './client.ts'
import { storable } from './text.ts'

/** Writes the index entry of an event: `src/search/document.ts`, which storage may not import. */
export type SearchDocument = (event: SearchableEvent) => string | undefined

// Postgres takes the JSON of a batch for 100 rows, and would read all events of a small server for the two or three there
// are. `offset 0` keeps it to the index.

/** The facts among the batch's events that are still the room's state, those that ended, and its members counted anew. */
const SUMMARISE = `
  with fact as (
    select f.fact, f.value
    from jsonb_to_recordset($2::jsonb) as f
      (event_id text, type text, fact text, value text, redacted boolean, ended boolean)
    left join room_state s on s.room_id = $1::text and s.type = f.type and s.state_key = ''
    left join lateral (select redacted from events where event_id = f.event_id offset 0) e on true
    where case when f.ended then s.event_id is null
      else s.event_id = f.event_id and (f.redacted or e.redacted is not true) end
  )
  insert into room_summaries as held (room_id, facts, joined_members)
  select $1::text, (select coalesce(jsonb_object_agg(fact, value), '{}') from fact),
    (select count(*) from room_memberships where room_id = $1::text and membership = 'join')
  on conflict (room_id) do update
    set facts = held.facts || excluded.facts, joined_members = excluded.joined_members`

const NAME_MEMBERS = `
  update room_memberships as held
  set display_name = m.display_name, avatar_url = m.avatar_url, folded = m.folded
  from jsonb_to_recordset($2::jsonb) as m
    (event_id text, user_id text, display_name text, avatar_url text, folded text, redacted boolean)
  left join lateral (select redacted from events where event_id = m.event_id offset 0) e on true
  where held.room_id = $1::text and held.user_id = m.user_id and held.event_id = m.event_id
    and (m.redacted or e.redacted is not true)`

const INDEX = `
  insert into event_search (event_id, room_id, pos, ts, type, sender, has_url, document)
  select d.event_id, e.room_id, e.pos, e.ts, e.type, e.sender, d.has_url, d.document::tsvector
  from jsonb_to_recordset($1::jsonb) as d (event_id text, has_url boolean, document text)
  cross join lateral (select * from events where event_id = d.event_id offset 0) e
  where not e.redacted
  on conflict (event_id) do nothing`

const UNINDEX = `
  delete from event_search
  where event_id in (select event_id from jsonb_to_recordset($1::jsonb) as r (event_id text))`

/** An event of the batch, opened: as it was sent, or as a redaction left it. */
interface Opened extends SearchableEvent {
  eventId: string
  redacted: boolean
  current: boolean
  /** No event of this type and key stands from now on; `eventId` is by which event that came about. */
  ended: boolean
}

/** Statements that follow the batch's own, in its transaction. Each may be repeated, and none for most batches. */
export function derivedStatements(
  roomId: string,
  entries: readonly (RoomLogEntry & { redacted?: boolean })[],
  searchDocument: SearchDocument,
): SqlStatement[] {
  const events = entries.map(opened).filter((event) => event !== undefined)
  const statements: SqlStatement[] = []
  const add = (text: string, rows: unknown[], ...values: string[]) => {
    if (rows.length > 0) statements.push({ text, values: [...values, JSON.stringify(rows)] })
  }
  const facts = events.filter(({ current }) => current).flatMap(factRows)
  const members = events.filter(({ current, type }) => current && type === 'm.room.member').map(memberRow)
  if (members.length > 0 || facts.length > 0) {
    statements.push({ text: SUMMARISE, values: [roomId, JSON.stringify(facts)] })
  }
  add(NAME_MEMBERS, members, roomId)
  add(INDEX, documentRows(events, searchDocument))
  add(
    UNINDEX,
    events.filter(({ redacted }) => redacted).map(({ eventId }) => ({ event_id: eventId })),
  )
  return statements
}

/** A redacted event may be state still: the statements ask for that themselves. */
function opened(entry: RoomLogEntry & { redacted?: boolean }): Opened | undefined {
  if (entry.kind === 'placed') return openedPlaced(entry)
  if (entry.kind === 'moved' && entry.eventId === null) {
    const { causeId: eventId, type, stateKey } = entry
    return { eventId, type, stateKey, content: {}, redacted: false, current: true, ended: true }
  }
  const isOpened = entry.kind === 'event' || entry.kind === 'redacted' || entry.kind === 'moved'
  if (!isOpened || entry.pdu === undefined || entry.eventId === null) return undefined
  const pdu = JSON.parse(entry.pdu) as { type?: string; state_key?: string; content?: JsonObject }
  const content = objectField(pdu.content) ?? {}
  const { eventId } = entry
  if (entry.kind === 'redacted') {
    const { type = '', state_key: stateKey = null } = pdu
    return { eventId, type, stateKey, content, redacted: true, current: stateKey !== null, ended: false }
  }
  const { type, stateKey } = entry
  const current = entry.kind === 'moved' || entry.current
  return { eventId, type, stateKey, content, redacted: entry.redacted === true, current, ended: false }
}

/** Of history, only the search knows. What people are not shown is in no index. */
function openedPlaced({
  eventId,
  event,
  redacted = false,
}: Extract<RoomLogEntry, { kind: 'placed' }> & { redacted?: boolean }): Opened | undefined {
  if (event === undefined || event.flags !== 0) return undefined
  const { content } = JSON.parse(event.pdu) as { content?: JsonObject }
  const { type, stateKey } = event
  return {
    eventId,
    type,
    stateKey,
    content: objectField(content) ?? {},
    redacted,
    current: false,
    ended: false,
  }
}

function factRows(event: Opened): Record<string, unknown>[] {
  const found = factOf(event)
  if (found === undefined) return []
  const { eventId, type, redacted, ended } = event
  const value = found.value === undefined ? null : storable(found.value)
  const row = { event_id: eventId, type, redacted, ended, fact: found.fact, value }
  if (!FOLDED.has(found.fact)) return [row]
  return [row, { ...row, fact: `folded_${found.fact}`, value: value === null ? null : fold(value) }]
}

/** What a search of the public list looks through. */
const FOLDED: ReadonlySet<string> = new Set(['name', 'topic', 'canonical_alias'])

function memberRow({ eventId, stateKey, content, redacted }: Opened): Record<string, unknown> {
  const userId = storable(stateKey ?? '')
  const joined = content.membership === 'join'
  const name = joined ? stringField(content.displayname)?.trim() || undefined : undefined
  const avatar = joined ? stringField(content.avatar_url) : undefined
  return {
    event_id: eventId,
    user_id: userId,
    redacted,
    display_name: name === undefined ? null : storable(name),
    avatar_url: avatar?.startsWith('mxc://') ? storable(avatar) : null,
    folded: joined ? fold(storable(`${name ?? ''} ${userId}`)) : null,
  }
}

function documentRows(events: readonly Opened[], searchDocument: SearchDocument) {
  return events
    .filter(({ redacted, ended }) => !redacted && !ended)
    .map((event) => ({
      event_id: event.eventId,
      has_url: event.content.url !== undefined,
      document: searchDocument(event),
    }))
    .filter(({ document }) => document !== undefined)
}
