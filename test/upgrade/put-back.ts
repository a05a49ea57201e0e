/** Puts the folder of the earlier server back as it was when that server stopped, its Postgres included. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runMigrations } from '../../local/migrations.ts'
import { migrationsFolder } from '../../local/paths.ts'
import type { Connection } from '../../local/postgres/database.ts'
import { openEmbedded } from '../../local/postgres/embedded.ts'
import type { Filled } from './fill.ts'
import type { Reading } from './readings.ts'

export interface EarlierServer {
  /** All of it, to be removed afterwards. */
  folder: string
  /** What `--data-dir` names. */
  data: string
  filled: Filled
  answers: Reading[]
}

/** Unpacks the archive and makes the embedded Postgres by the migrations of its time. */
export async function putBack(): Promise<EarlierServer> {
  const archive = fileURLToPath(new URL('../fixtures/earlier-server.tar.gz', import.meta.url))
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-earlier-'))
  execFileSync('tar', ['-xzf', archive, '-C', folder])
  const data = join(folder, 'data')
  await restorePostgres(join(folder, 'tables'), join(data, 'postgres'))
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'))
  return { folder, data, filled: read('filled.json'), answers: read('answers.json') }
}

async function restorePostgres(tables: string, folder: string): Promise<void> {
  const database = await openEmbedded(folder)
  await runMigrations(database, migrationsOf(tables))
  await database.use(async (connection) => {
    for (const file of readdirSync(tables)) {
      const lines = readFileSync(join(tables, file), 'utf8').trimEnd().split('\n')
      await fillTable(connection, file.replace('.jsonl', ''), lines)
    }
  })
  await database.close()
}

/** A folder with the migrations that the earlier server had applied, and no later ones. */
function migrationsOf(tables: string): string {
  const folder = join(tables, '..', 'migrations')
  mkdirSync(folder)
  for (const line of readFileSync(join(tables, 'schema_migrations.jsonl'), 'utf8').trimEnd().split('\n')) {
    const { name } = JSON.parse(line) as { name: string }
    copyFileSync(join(migrationsFolder, name), join(folder, name))
  }
  return folder
}

async function fillTable(connection: Connection, table: string, rows: string[]): Promise<void> {
  const { rows: columns } = await connection.query(
    `select quote_ident(column_name) from information_schema.columns
     where table_schema = 'public' and table_name = $1 and is_generated = 'NEVER'`,
    [table],
  )
  const names = columns.map(([name]) => name).join(', ')
  await connection.script(`delete from "${table}"`)
  await connection.query(
    `insert into "${table}" (${names}) overriding system value
     select ${names} from json_populate_recordset(null::"${table}", $1::json)`,
    [`[${rows.join(',')}]`],
  )
}
