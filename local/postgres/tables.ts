/** The tables of a database as text: how their rows are read, written, counted and hashed alike on every side. */
import type { Connection } from './database.ts'

/** Rows a statement: an event with its JSON may have 64 KiB. */
export const BATCH = 200

/** Values are written as text: all sides must write them alike. */
export const SAME_TEXT = `set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'postgres';
  set extra_float_digits = 1; set bytea_output = 'hex'`

const TABLES = `
  select table_name from information_schema.tables
  where table_schema = current_schema() and table_type = 'BASE TABLE' order by table_name`

const COLUMNS = `
  select column_name, is_identity from information_schema.columns
  where table_schema = current_schema() and table_name = $1 and is_generated = 'NEVER' order by ordinal_position`

export interface Columns {
  names: string[]
  /** Those whose numbers a sequence gives. */
  identities: string[]
}

export async function tablesOf(connection: Connection): Promise<string[]> {
  return (await connection.query(TABLES)).rows.map(([name]) => name!)
}

export async function columnsOf(connection: Connection, table: string): Promise<Columns> {
  const { rows } = await connection.query(COLUMNS, [table])
  return {
    names: rows.map(([name]) => name!),
    identities: rows.filter(([, isIdentity]) => isIdentity === 'YES').map(([name]) => name!),
  }
}

/** A table's rows in batches, inside the caller's transaction. */
export async function* rowsOf(
  connection: Connection,
  table: string,
  { names }: Columns,
): AsyncGenerator<(string | null)[][]> {
  await connection.script(`declare copied no scroll cursor for select ${listOf(names)} from ${quoted(table)}`)
  for (;;) {
    const { rows } = await connection.query(`fetch ${BATCH} from copied`)
    if (rows.length === 0) break
    yield rows
  }
  await connection.script('close copied')
}

export async function insertRows(
  connection: Connection,
  table: string,
  { names }: Columns,
  rows: (string | null)[][],
): Promise<void> {
  const places = rows.map((row, at) => `(${row.map((_, i) => `$${at * row.length + i + 1}`).join(', ')})`)
  await connection.query(
    `insert into ${quoted(table)} (${listOf(names)}) overriding system value values ${places.join(', ')}`,
    rows.flat(),
  )
}

/** Lets the sequences of a table go on after the numbers that it holds. */
export async function setSequences(
  connection: Connection,
  table: string,
  { identities }: Columns,
): Promise<void> {
  for (const column of identities) {
    const last = `max(${quoted(column)})`
    await connection.query(
      `select setval(pg_get_serial_sequence($1, $2), greatest(${last}, 1), ${last} is not null) from ${quoted(table)}`,
      [quoted(table), column],
    )
  }
}

/** How many rows there are, and a hash of them all in whatever order. */
export async function sumOf(
  connection: Connection,
  table: string,
  { names }: Columns,
): Promise<{ rows: number; hash: string }> {
  const { rows } = await connection.query(
    `select count(*), coalesce(sum(('x' || substr(md5(row(${listOf(names)})::text), 1, 16))::bit(64)::bigint::numeric), 0)
     from ${quoted(table)}`,
  )
  return { rows: Number(rows[0]![0]), hash: rows[0]![1]! }
}

const listOf = (names: readonly string[]) => names.map(quoted).join(', ')

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
