/** A real Postgres by its address, and what is asked of any database before it is used. */
import { messageOf, StartError } from '../start-error.ts'
import { type Database, openPool } from './database.ts'

/** Opens a pool and proves that it answers. @throws StartError naming host and option, never the password */
export async function openServer(url: string): Promise<Database> {
  const database = openPool({ connectionString: url, max: 8 })
  try {
    await database.use((connection) => connection.query('select 1'))
    return database
  } catch (error) {
    await database.close()
    throw new StartError(
      `Postgres at ${new URL(url).host} (--database-url) cannot be used: ${messageOf(error)}`,
    )
  }
}

/** Whether anybody has registered: then keys must exist too. */
export async function hasAccounts(database: Database): Promise<boolean> {
  return database.use(async (connection) => {
    const table = await connection.query("select to_regclass('accounts')")
    if (table.rows[0]?.[0] == null) return false
    const { rows } = await connection.query('select exists (select 1 from accounts)')
    return rows[0]?.[0] === 't'
  })
}
