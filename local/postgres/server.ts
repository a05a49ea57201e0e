/** A real Postgres by its address, and the lock by which only one server uses it. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { messageOf, StartError } from '../start-error.ts'
import { type Database, openPool } from './database.ts'
import { pooledHost } from './pooled.ts'

/** Any fixed number: it names the lock that a running server holds. */
const LOCK = '7308051297615'
/** How long a server that was killed may still hold it, ms. */
const PATIENCE_MS = 3_000
const AGAIN_MS = 250

/** Opens a pool and proves that it answers. @throws StartError naming host and option, never the password */
export async function openServer(url: string): Promise<Database> {
  const pooled = pooledHost(url)
  if (pooled !== undefined) {
    throw new StartError(
      `${pooled} is the address of a pool, and locks need a session of their own: name ${pooled.replace('-pooler', '')}`,
    )
  }
  const database = openPool({ connectionString: url, max: 8 })
  try {
    await database.use((connection) => connection.query('select 1'))
    return database
  } catch (error) {
    await database.close()
    throw unusable(url, error)
  }
}

/**
 * Keeps other servers off the database while this one runs, by a session of its own; answers what ends it. The session
 * is made again when it is lost.
 * @throws StartError when another server uses the database
 */
export async function holdServer(url: string): Promise<() => Promise<void>> {
  let client: pg.Client | undefined
  let ended = false
  const take = async () => {
    const fresh = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000, keepAlive: true })
    fresh.on('error', () => {})
    try {
      await fresh.connect()
      const { rows } = await fresh.query('select pg_try_advisory_lock($1::bigint) as held', [LOCK])
      if (rows[0]?.held !== true) {
        await fresh.end()
        return false
      }
    } catch (error) {
      await fresh.end().catch(() => {})
      throw error
    }
    client = fresh
    fresh.once('end', () => void retake())
    return true
  }
  const retake = async () => {
    while (!ended && !(await take().catch(() => false))) await sleep(AGAIN_MS, undefined, { ref: false })
    if (ended) await client?.end().catch(() => {})
  }
  const deadline = Date.now() + PATIENCE_MS
  while (!(await take().catch((error) => Promise.reject(unusable(url, error))))) {
    if (Date.now() > deadline) {
      throw new StartError(
        `Postgres at ${new URL(url).host} (--database-url) is in use by another Selvedge: stop that one, or name another database`,
      )
    }
    await sleep(AGAIN_MS)
  }
  return async () => {
    ended = true
    await client?.end().catch(() => {})
  }
}

function unusable(url: string, error: unknown): StartError {
  return new StartError(
    `Postgres at ${new URL(url).host} (--database-url) cannot be used: ${messageOf(error)}`,
  )
}
