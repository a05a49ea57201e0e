/** Copies all tables of one database into an empty one, in one transaction, and compares both sides. */
import { StartError } from '../start-error.ts'
import type { Connection, Database } from './database.ts'

export interface CopiedTable {
  name: string
  rows: number
}

/** Rows a statement: an event with its JSON may have 64 KiB. */
const BATCH = 200

/** Values are written as text: both sides must write them alike. */
const SAME_TEXT = `set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'postgres';
  set extra_float_digits = 1; set bytea_output = 'hex'`

const TABLES = `
  select table_name from information_schema.tables
  where table_schema = current_schema() and table_type = 'BASE TABLE' order by table_name`

const COLUMNS = `
  select column_name, is_identity from information_schema.columns
  where table_schema = current_schema() and table_name = $1 and is_generated = 'NEVER' order by ordinal_position`

/**
 * Copies everything, both sides being migrated alike; answers what there is.
 * @throws StartError where both sides differ afterwards: then the target is as it was
 */
export function copyTables(source: Database, target: Database): Promise<CopiedTable[]> {
  return source.use((from) =>
    target.use(async (to) => {
      for (const side of [from, to]) await side.script(`${SAME_TEXT}; begin`)
      try {
        const copied: CopiedTable[] = []
        for (const name of await tablesOf(from)) copied.push(await copyTable(name, from, to))
        await to.script('commit')
        return copied
      } catch (error) {
        await to.script('rollback').catch(() => {})
        throw error
      } finally {
        await from.script('rollback').catch(() => {})
      }
    }),
  )
}

async function tablesOf(connection: Connection): Promise<string[]> {
  return (await connection.query(TABLES)).rows.map(([name]) => name!)
}

async function copyTable(name: string, from: Connection, to: Connection): Promise<CopiedTable> {
  const { rows: columns } = await from.query(COLUMNS, [name])
  const [table, list] = [quoted(name), columns.map(([column]) => quoted(column!)).join(', ')]
  // What the migrations have written there themselves.
  await to.script(`delete from ${table}`)
  await from.script(`declare copied no scroll cursor for select ${list} from ${table}`)
  for (;;) {
    const { rows } = await from.query(`fetch ${BATCH} from copied`)
    if (rows.length === 0) break
    const places = rows.map((row, at) => `(${row.map((_, i) => `$${at * row.length + i + 1}`).join(', ')})`)
    await to.query(
      `insert into ${table} (${list}) overriding system value values ${places.join(', ')}`,
      rows.flat(),
    )
  }
  await from.script('close copied')
  for (const [column, isIdentity] of columns) {
    if (isIdentity === 'YES') await to.query(setSequence(table, quoted(column!)), [table, column!])
  }
  const [here, there] = [await sumOf(table, list, from), await sumOf(table, list, to)]
  if (here.rows !== there.rows || here.hash !== there.hash) {
    throw new StartError(
      `${name} differs after the copy (${here.rows} rows here, ${there.rows} there): nothing was moved`,
    )
  }
  return { name, rows: here.rows }
}

/** The next number after those that were copied. */
function setSequence(table: string, column: string): string {
  return `select setval(pg_get_serial_sequence($1, $2), greatest(max(${column}), 1), max(${column}) is not null) from ${table}`
}

/** How many rows there are, and a hash of them all in whatever order. */
async function sumOf(
  table: string,
  list: string,
  connection: Connection,
): Promise<{ rows: number; hash: string }> {
  const { rows } = await connection.query(
    `select count(*), coalesce(sum(('x' || substr(md5(row(${list})::text), 1, 16))::bit(64)::bigint::numeric), 0)
     from ${table}`,
  )
  return { rows: Number(rows[0]![0]), hash: rows[0]![1]! }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
