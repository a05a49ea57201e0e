/** Applies `migrations/*.sql` in order: each once, each in one transaction with its record. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection, Database } from './postgres/database.ts'
import { codeOf, messageOf, StartError } from './start-error.ts'

const INSUFFICIENT_PRIVILEGE = '42501'

interface Migration {
  name: string
  sql: string
  checksum: string
}

/** Any fixed number: it names the lock that keeps two runs on one server apart. */
const lockKey = '7308051297614'

/**
 * Brings the database up to date and answers the names applied.
 *
 * @param only the migrations that a backup's rows have had; all of them unless given
 * @throws StartError when an applied file was changed or removed, or a file fails
 */
export async function runMigrations(
  database: Database,
  folder: string,
  only?: readonly string[],
): Promise<string[]> {
  const migrations = readMigrations(folder).filter(({ name }) => only === undefined || only.includes(name))
  const unknown = only?.find((name) => !migrations.some((migration) => migration.name === name))
  if (unknown !== undefined) throw tooNew(unknown)
  // One connection for all of it: the lock belongs to the session. In the embedded database all
  // clients share one session, so there this lock excludes nobody, and the data folder's lock does.
  return database.use(async (connection) => {
    await connection.query('select pg_advisory_lock($1)', [lockKey])
    try {
      await makeRecord(connection)
      return await applyMissing(connection, migrations)
    } finally {
      await connection.query('select pg_advisory_unlock($1)', [lockKey]).catch(() => {})
    }
  })
}

/** The first thing that a role which does not own the database may not do. */
async function makeRecord(connection: Connection): Promise<void> {
  try {
    await connection.script(`create table if not exists schema_migrations (
      name text primary key,
      checksum text not null,
      applied_at timestamptz not null default now()
    )`)
  } catch (error) {
    if (codeOf(error) !== INSUFFICIENT_PRIVILEGE) throw error
    const { rows } = await connection.query('select current_user, current_database()')
    const [role, database] = rows[0]!
    throw new StartError(
      `The role ${role} may not create tables in the database ${database}: give it one of its own (createdb -O ${role} …), or run as its owner: grant create on schema public to ${role}`,
    )
  }
}

async function applyMissing(connection: Connection, migrations: Migration[]): Promise<string[]> {
  const { rows } = await connection.query('select name, checksum from schema_migrations order by name')
  const recorded = new Map(rows.map(([name, checksum]) => [name!, checksum!]))
  for (const name of recorded.keys()) {
    if (!migrations.some((migration) => migration.name === name)) throw tooNew(name)
  }
  const applied: string[] = []
  for (const migration of migrations) {
    const checksum = recorded.get(migration.name)
    if (checksum === undefined) {
      await apply(connection, migration)
      applied.push(migration.name)
    } else if (checksum !== migration.checksum) {
      throw new StartError(`Migration ${migration.name} was changed after it had been applied`)
    }
  }
  return applied
}

function tooNew(name: string): StartError {
  return new StartError(
    `The database has had migration ${name}, which this version does not know: start a newer version`,
  )
}

async function apply(connection: Connection, { name, sql, checksum }: Migration): Promise<void> {
  await connection.script('begin')
  try {
    await connection.script(sql)
    await connection.query('insert into schema_migrations (name, checksum) values ($1, $2)', [name, checksum])
    await connection.script('commit')
  } catch (error) {
    await connection.script('rollback').catch(() => {})
    throw new StartError(`Migration ${name} failed: ${messageOf(error)}`)
  }
}

function readMigrations(folder: string): Migration[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => {
      const sql = readFileSync(join(folder, name), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    })
}
