/** The Postgres of a deployment: whether it is this server's, whether its objects are where the settings look, and its migrations. */
import { runMigrations } from '../migrations.ts'
import { migrationsFolder } from '../paths.ts'
import type { Connection, Database } from '../postgres/database.ts'
import type { Configuration } from './configuration.ts'

/** What in the database speaks against this deployment. */
export function databaseMistakes(database: Database, { vars }: Configuration): Promise<string[]> {
  return database.use(async (connection) => [
    ...(await otherServer(connection, vars)),
    ...(await otherPlace(connection, vars)),
  ])
}

/** Applies what is missing; answers the names. */
export function migrate(database: Database): Promise<string[]> {
  return runMigrations(database, migrationsFolder)
}

async function otherServer(connection: Connection, vars: Record<string, string>): Promise<string[]> {
  const [row] = await rowsOf(connection, 'instance', 'select id from instance')
  const id = vars.INSTANCE_ID || undefined
  if (row === undefined || id === undefined || row[0] === id) return []
  return [
    `the database belongs to the server ${row[0]}, and INSTANCE_ID is ${id}: name this server's own database`,
  ]
}

async function otherPlace(connection: Connection, vars: Record<string, string>): Promise<string[]> {
  const [row] = await rowsOf(connection, 'placement', 'select jurisdiction, location_hint from placement')
  if (row === undefined) return []
  return ['JURISDICTION', 'LOCATION_HINT'].flatMap((name, index) => {
    const [fixed, set] = [row[index] || 'none', vars[name] || 'none']
    if (fixed === set) return []
    return [
      `${name} is ${set}, and the first deployment made the objects with ${fixed}: it cannot change; set it as it was`,
    ]
  })
}

/** Nothing where the table is not there yet. */
async function rowsOf(connection: Connection, table: string, query: string): Promise<(string | null)[][]> {
  const { rows } = await connection.query('select to_regclass($1)', [table])
  return rows[0]?.[0] == null ? [] : (await connection.query(query)).rows
}
