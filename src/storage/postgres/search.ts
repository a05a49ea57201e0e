/** Full text search over the archive in Postgres. */
import type { SearchHit, SearchPlace, SearchQuery, SearchStore } from '../../ports/search.ts'
import type { Sql, SqlRow, SqlValue } from './client.ts'
import { storable } from './text.ts'

/** Rooms that are encrypted now are left out whole, as the specification has it. */
const HITS = `
  with hit as (
    select s.event_id, s.room_id, s.sender, s.ts, ts_rank(s.document, $1::tsquery) as rank
    from event_search s
    join jsonb_to_recordset($2::jsonb) as place ("roomId" text, "leftAt" bigint) on place."roomId" = s.room_id
    where s.document @@ $1::tsquery and (place."leftAt" is null or s.pos <= place."leftAt")
      and $3::jsonb ? s.type
      and ($4::jsonb is null or $4::jsonb ? s.sender)
      and ($5::jsonb is null or not $5::jsonb ? s.sender)
      and ($6::boolean is null or s.has_url = $6::boolean)
      and not exists (
        select from room_summaries r where r.room_id = s.room_id and r.facts->>'encryption' is not null
      )
  )`

const ORDERS = {
  rank: {
    after: '(rank, ts, event_id) < ($7::real, $8::bigint, $9::text)',
    by: 'rank desc, ts desc, event_id desc',
  },
  recent: { after: '(ts, event_id) < ($8::bigint, $9::text)', by: 'ts desc, event_id desc' },
}

const from = (order: SearchQuery['order']) => `from hit where ($7::real is null or ${ORDERS[order].after})`

/** The search over this database. */
export function postgresSearch(sql: Sql): SearchStore {
  return {
    async find(query, limit) {
      const { order } = query
      const text = `${HITS} select * ${from(order)} order by ${ORDERS[order].by} limit $10::int`
      return (await sql.query(text, [...parameters(query), limit])).map(hitOf)
    },
    async remaining(query) {
      const text = `${HITS} select distinct room_id, sender ${from(query.order)}`
      const rows = await sql.query(text, parameters(query))
      return rows.map((row) => ({ roomId: String(row.room_id), sender: String(row.sender) }))
    },
  }
}

function parameters({
  query,
  rooms,
  types,
  senders,
  notSenders,
  containsUrl,
  after,
}: SearchQuery): SqlValue[] {
  return [
    query,
    JSON.stringify(rooms),
    JSON.stringify(types),
    list(senders),
    list(notSenders),
    containsUrl ?? null,
    ...placeOf(after),
  ]
}

function list(values: string[] | undefined): string | null {
  return values === undefined ? null : JSON.stringify(values.map(storable))
}

function placeOf(after: SearchPlace | undefined): SqlValue[] {
  return after === undefined ? [null, null, null] : [after.rank, after.ts, after.eventId]
}

function hitOf(row: SqlRow): SearchHit {
  return {
    eventId: String(row.event_id),
    roomId: String(row.room_id),
    sender: String(row.sender),
    ts: Number(row.ts),
    rank: Number(row.rank),
  }
}
