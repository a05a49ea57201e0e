/** The rows of a Postgres as JSON, and a fresh embedded Postgres made of them. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runMigrations } from '../../local/migrations.ts'
import { migrationsFolder } from '../../local/paths.ts'
import type { Connection, Database } from '../../local/postgres/database.ts'
import { openEmbedded } from '../../local/postgres/embedded.ts'

/** The columns that are not made from others, and the rows as Postgres writes them. */
export interface TableRows {
  columns: string[]
  rows: (string | null)[][]
}

export type PostgresRows = Record<string, TableRows>

const MIGRATIONS = 'schema_migrations'

/** Every row of the embedded Postgres in `folder`. */
export function readPostgres(folder: string): Promise<PostgresRows> {
  return inside(folder, (database) =>
    database.use(async (connection) => {
      const { rows } = await connection.query(`
        select table_name, string_agg(quote_ident(column_name), ',' order by ordinal_position)
        from information_schema.columns natural join information_schema.tables
        where table_schema = 'public' and table_type = 'BASE TABLE' and is_generated = 'NEVER'
        group by table_name order by table_name`)
      const tables: PostgresRows = {}
      for (const [table, columns] of rows) {
        const answer = await connection.query(`select ${columns} from ${table}`)
        tables[table!] = { columns: columns!.split(','), rows: answer.rows }
      }
      return tables
    }),
  )
}

/** Makes the embedded Postgres in `folder` by the migrations that the rows were written under, and fills it. */
export async function writePostgres(folder: string, tables: PostgresRows): Promise<void> {
  const { columns, rows } = tables[MIGRATIONS]!
  const names = rows.map((row) => row[columns.indexOf('name')]!)
  const migrations = mkdtempSync(join(tmpdir(), 'selvedge-migrations-'))
  for (const name of names) copyFileSync(join(migrationsFolder, name), join(migrations, name))
  await inside(folder, async (database) => {
    await runMigrations(database, migrations)
    await database.use(async (connection) => {
      // Neither the order of the tables nor triggers matter to rows that have stood together before.
      await connection.script('set session_replication_role = replica')
      for (const [table, filled] of Object.entries(tables)) await fill(connection, table, filled)
      await connection.script('reset session_replication_role')
    })
  })
  rmSync(migrations, { recursive: true })
}

async function fill(connection: Connection, table: string, { columns, rows }: TableRows): Promise<void> {
  await connection.script(`delete from ${table}`)
  const places = columns.map((_, index) => `$${index + 1}`).join(',')
  const insert = `insert into ${table} (${columns.join(',')}) overriding system value values (${places})`
  for (const row of rows) await connection.query(insert, row)
  for (const [index, column] of columns.entries()) {
    const { rows: found } = await connection.query('select pg_get_serial_sequence($1, $2)', [table, column])
    const highest = Math.max(0, ...rows.map((row) => Number(row[index])))
    const sequence = found[0]?.[0]
    if (sequence != null && highest > 0)
      await connection.query('select setval($1, $2)', [sequence, String(highest)])
  }
}

async function inside<T>(folder: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openEmbedded(folder)
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}
