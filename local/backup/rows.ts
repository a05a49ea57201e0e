/** The rows of a Postgres beside the data folder, as files: a line a row, every value as the text that Postgres writes. */
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import * as z from 'zod'
import type { Connection, Database } from '../postgres/database.ts'
import {
  BATCH,
  type Columns,
  columnsOf,
  insertRows,
  quoted,
  rowsOf,
  SAME_TEXT,
  setSequences,
  sumOf,
  tablesOf,
} from '../postgres/tables.ts'
import { StartError } from '../start-error.ts'
import type { Manifest } from './manifest.ts'

const Head = z.object({ names: z.array(z.string()), identities: z.array(z.string()) })
const Row = z.array(z.string().nullable())

type Table = NonNullable<Manifest['tables']>[number]

/** From now on this connection sees the database as it is now, whatever others write. */
export async function fixMoment(connection: Connection): Promise<void> {
  await connection.script(`${SAME_TEXT}; begin isolation level repeatable read read only`)
  // The first query takes the snapshot.
  await connection.query('select 1')
}

/** Writes all tables into `folder`, as they were in the fixed moment. */
export async function dumpRows(
  connection: Connection,
  folder: string,
): Promise<Pick<Manifest, 'migrations' | 'tables'>> {
  await mkdir(folder, { recursive: true })
  const tables: Table[] = []
  for (const name of await tablesOf(connection)) {
    const columns = await columnsOf(connection, name)
    const file = createWriteStream(join(folder, `${name}.jsonl`))
    const written = finished(file)
    await putLine(file, columns)
    for await (const rows of rowsOf(connection, name, columns))
      for (const row of rows) await putLine(file, row)
    file.end()
    await written
    tables.push({ name, ...(await sumOf(connection, name, columns)) })
  }
  const { rows } = await connection.query('select name from schema_migrations order by name')
  await connection.script('rollback')
  return { tables, migrations: rows.map(([name]) => name!) }
}

/** JSON leaves two characters as they are that end a line for those who read it. */
const LINE_ENDS = /[\u2028\u2029]/g

async function putLine(file: ReturnType<typeof createWriteStream>, value: unknown): Promise<void> {
  const line = JSON.stringify(value).replace(LINE_ENDS, (end) => `\\u${end.charCodeAt(0).toString(16)}`)
  if (!file.write(`${line}\n`)) await once(file, 'drain')
}

/**
 * Puts the rows into a database that has had the same migrations, in one transaction.
 * @throws StartError where it then does not hold what was written
 */
export function loadRows(database: Database, folder: string, tables: readonly Table[]): Promise<void> {
  return database.use(async (connection) => {
    await connection.script(`${SAME_TEXT}; begin`)
    try {
      for (const table of tables) await loadTable(connection, join(folder, `${table.name}.jsonl`), table)
      await connection.script('commit')
    } catch (error) {
      await connection.script('rollback').catch(() => {})
      throw error
    }
  })
}

async function loadTable(connection: Connection, path: string, { name, ...wanted }: Table): Promise<void> {
  let columns: Columns | undefined
  let waiting: (string | null)[][] = []
  const put = async () => {
    if (waiting.length > 0) await insertRows(connection, name, columns!, waiting)
    waiting = []
  }
  // What the migrations have written there themselves.
  await connection.script(`delete from ${quoted(name)}`)
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (columns === undefined) columns = Head.parse(JSON.parse(line))
    else waiting.push(Row.parse(JSON.parse(line)))
    if (waiting.length === BATCH) await put()
  }
  await put()
  if (columns === undefined) throw new StartError(`the backup's rows of ${name} are empty`)
  await setSequences(connection, name, columns)
  const { rows, hash } = await sumOf(connection, name, columns)
  if (rows === wanted.rows && hash === wanted.hash) return
  throw new StartError(
    `${name} differs after the restore (${wanted.rows} rows in the backup, ${rows} there): nothing was restored`,
  )
}
