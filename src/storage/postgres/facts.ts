/** What Postgres says of itself, and of media. */
import type { MediaFactsInSum, PostgresFacts, TableFacts } from '../../ports/store-facts.ts'
import type { Sql } from './client.ts'

/** @throws MatrixError when Postgres does not answer */
export async function postgresFacts(sql: Sql): Promise<PostgresFacts> {
  const [row] = await sql.query('select pg_database_size(current_database()) as bytes', [])
  return { bytes: Number(row?.bytes) }
}

const TABLES = `
  select relname as name, pg_total_relation_size(c.oid) as bytes, greatest(reltuples, 0)::bigint as rows
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = current_schema() and relkind = 'r'
  order by bytes desc limit 20`

/** The largest first. @throws MatrixError when Postgres does not answer */
export async function postgresTables(sql: Sql): Promise<TableFacts[]> {
  const rows = await sql.query(TABLES, [])
  return rows.map(({ name, bytes, rows }) => ({
    name: String(name),
    bytes: Number(bytes),
    rows: Number(rows),
  }))
}

/** Of the sums, which are a row for each user: the index itself may be long. */
const MEDIA = `
  select count(*) as owners, coalesce(sum(bytes), 0) as bytes,
    (select coalesce(array_to_json(array(select bytes from media_usage order by bytes desc limit 5)), '[]')) as largest,
    (select count(*) from preview_pictures) as previews,
    (select coalesce(sum(size), 0) from preview_pictures) as preview_bytes
  from media_usage`

/** @throws MatrixError when Postgres does not answer */
export async function mediaInSum(sql: Sql): Promise<MediaFactsInSum> {
  const [row] = await sql.query(MEDIA, [])
  const largest = (typeof row?.largest === 'string' ? JSON.parse(row.largest) : row?.largest) as unknown[]
  return {
    owners: Number(row?.owners),
    bytes: Number(row?.bytes),
    largest: largest.map(Number),
    previews: Number(row?.previews),
    previewBytes: Number(row?.preview_bytes),
  }
}
