/** A Postgres as the launcher sees it: text in, text out, and one connection at a time for each piece of work. */
import pg from 'pg'

/** A result exactly as Postgres wrote it: every value is text or NULL. */
export interface RawResult {
  command: string
  rowCount: number | null
  fields: { name: string; dataTypeID: number }[]
  rows: (string | null)[][]
}

export interface Connection {
  /** One statement with its parameters, by the extended protocol. */
  query(text: string, params?: (string | null)[]): Promise<RawResult>
  /** Any number of statements without parameters. */
  script(text: string): Promise<void>
}

export interface Database {
  /** Runs `work` on a connection that nobody else uses meanwhile. */
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  close(): Promise<void>
}

const untouched = { getTypeParser: () => (text: string) => text }

/** Statements that a connection keeps planned; the product has some 200. */
const MOST_PLANS = 500

/**
 * A database behind a pool of `pg` connections.
 * @param plans `kept`: a statement that comes again is not planned again. Nothing may stand between that hands the
 *   session to others.
 */
export function openPool(config: pg.PoolConfig, plans: 'kept' | 'anew' = 'anew'): Database {
  const pool = new pg.Pool({ connectionTimeoutMillis: 5000, ...config, types: untouched as never })
  // A connection lost while idle is replaced at the next use: nothing to do here.
  pool.on('error', () => {})
  const kept = new WeakMap<pg.PoolClient, Plans>()
  pool.on('connect', (client) => {
    client.on('error', () => {})
    if (plans !== 'kept') return
    kept.set(client, { names: new Map(), made: 0 })
    // The embedded Postgres has one session for all connections, one after the other.
    client.query('DEALLOCATE ALL').catch(() => {})
  })
  return {
    async use(work) {
      const client = await pool.connect()
      let broken = false
      try {
        return await work(connectionOf(client, kept.get(client)))
      } catch (error) {
        broken = !(error instanceof pg.DatabaseError)
        throw error
      } finally {
        client.release(broken)
      }
    },
    close: () => pool.end(),
  }
}

/** The plans of a connection: their names by their statements. No name comes twice, since the driver remembers them. */
interface Plans {
  readonly names: Map<string, string>
  made: number
}

function connectionOf(client: pg.PoolClient, plans: Plans | undefined): Connection {
  return {
    async query(text, params = []) {
      const result = await client.query({
        name: plans && (await planName(client, plans, text)),
        text,
        values: params,
        rowMode: 'array',
        queryMode: 'extended',
      } as pg.QueryArrayConfig)
      return {
        command: result.command,
        rowCount: result.rowCount,
        fields: result.fields.map(({ name, dataTypeID }) => ({ name, dataTypeID })),
        rows: result.rows as (string | null)[][],
      }
    },
    async script(text) {
      if (plans && CHANGES_TABLES.test(text)) await forget(client, plans)
      await client.query(text)
    },
  }
}

/** Under which name the connection keeps the plan of a statement; undefined: it keeps none. */
async function planName(client: pg.PoolClient, plans: Plans, text: string): Promise<string | undefined> {
  const { names } = plans
  if (CHANGES_TABLES.test(text)) return forget(client, plans)
  const known = names.get(text)
  if (known !== undefined || names.size >= MOST_PLANS) return known
  plans.made += 1
  const name = `plan${plans.made}`
  names.set(text, name)
  return name
}

/** A plan holds on to the types that its parameters had. */
const CHANGES_TABLES = /^\s*(create|alter|drop)\b/im

async function forget(client: pg.PoolClient, { names }: Plans): Promise<undefined> {
  names.clear()
  await client.query('DEALLOCATE ALL')
}
