/** The rows of an object's tables that its archive must give back. */
import type { TestServer } from '../test-server.ts'
import { type ArchivedKind, TABLE_RULES } from './tables.ts'

/** Tables, or columns as `table.column`, in which a test file leaves the archive behind, and why. */
export type UnlikeArchive = Readonly<Record<string, string>>

export type Row = Record<string, unknown>

/** Columns by table, each with the SQL that reads it. */
type Columns = ReadonlyMap<string, readonly Column[]>
type Column = readonly [name: string, sql: string]

/** Rows read at once: an RPC carries 32 MiB. */
const PAGE = 200

/** The rows that the archive must give back, without what it need not. */
export async function tablesOf(
  server: TestServer,
  kind: ArchivedKind,
  name: string,
  unlike: UnlikeArchive,
): Promise<Record<string, Row[]>> {
  const columns = await comparedColumns(server, kind, name, unlike)
  if (columns.size === 0) return {}
  // Each query from outside takes some 8 ms, and an object has 40 tables: one query reads them all. One that answers too many
  // bytes for SQLite fails.
  const texts = [...columns].map(
    ([table, of]) => `(SELECT json_group_array(${rowAsJson(of)}) FROM "${table}") AS "${table}"`,
  )
  const [row] = await server.sql(kind, name, `SELECT ${texts.join(', ')}`).catch(() => [])
  const tables: Record<string, Row[]> = {}
  for (const [table, of] of columns) {
    tables[table] =
      row === undefined ? await pages(server, kind, name, { table, of }) : rowsOf(String(row[table]), of)
  }
  return tables
}

async function comparedColumns(
  server: TestServer,
  kind: ArchivedKind,
  name: string,
  unlike: UnlikeArchive,
): Promise<Columns> {
  const rules = TABLE_RULES[kind]
  const query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
  const tables = (await server.sql(kind, name, query))
    .map((row) => String(row.name))
    .filter((table) => !/^(sqlite_|_cf_|__miniflare)/.test(table))
    .filter((table) => rules[table]?.left === undefined && !(table in unlike))
  const columns = new Map<string, Column[]>()
  for (const [table, names] of Object.entries(await columnNames(server, kind, name, tables))) {
    const { but = {}, as = {} } = rules[table] ?? {}
    const compared = names.filter((column) => !(column in but) && !(`${table}.${column}` in unlike))
    columns.set(
      table,
      compared.map((column) => [column, as[column] ?? `"${column}"`]),
    )
  }
  return columns
}

/** What was asked already, by the names of the tables: the objects of a kind have the same. */
const known = new Map<string, Record<string, string[]>>()

async function columnNames(
  server: TestServer,
  kind: ArchivedKind,
  name: string,
  tables: readonly string[],
): Promise<Record<string, string[]>> {
  if (tables.length === 0) return {}
  const asked = tables.map(
    (table) => `(SELECT json_group_array(name) FROM pragma_table_info('${table}')) AS "${table}"`,
  )
  const query = `SELECT ${asked.join(', ')}`
  const found =
    known.get(query) ??
    Object.fromEntries(
      Object.entries((await server.sql(kind, name, query))[0] ?? {}).map(([table, names]) => [
        table,
        JSON.parse(String(names)) as string[],
      ]),
    )
  known.set(query, found)
  return found
}

/** JSON has no bytes. */
const asJson = ([, sql]: Column): string => `CASE typeof(${sql}) WHEN 'blob' THEN hex(${sql}) ELSE ${sql} END`

/** A function of SQLite takes 32 values at most. */
function rowAsJson(columns: readonly Column[]): string {
  const parts = []
  for (let at = 0; at < columns.length; at += 30)
    parts.push(
      `json_array(${columns
        .slice(at, at + 30)
        .map(asJson)
        .join(', ')})`,
    )
  return `json_array(${parts.join(', ')})`
}

function rowsOf(text: string, columns: readonly Column[]): Row[] {
  const rows = JSON.parse(text) as unknown[][][]
  return rows.map((parts) => {
    const values = parts.flat()
    return Object.fromEntries(columns.map(([column], index) => [column, values[index]]))
  })
}

async function pages(
  server: TestServer,
  kind: ArchivedKind,
  name: string,
  { table, of }: { table: string; of: readonly Column[] },
): Promise<Row[]> {
  const rows: Row[] = []
  for (;;) {
    const page = `SELECT ${rowAsJson(of)} AS row FROM "${table}" LIMIT ${PAGE} OFFSET ${rows.length}`
    const read = await server.sql(kind, name, page)
    rows.push(...rowsOf(`[${read.map(({ row }) => row).join(',')}]`, of))
    if (read.length < PAGE) return rows
  }
}
