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

/** A database behind a pool of `pg` connections. */
export function openPool(config: pg.PoolConfig): Database {
  const pool = new pg.Pool({ connectionTimeoutMillis: 5000, ...config, types: untouched as never })
  // A connection lost while idle is replaced at the next use: nothing to do here.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return {
    async use(work) {
      const client = await pool.connect()
      let broken = false
      try {
        return await work(connectionOf(client))
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

function connectionOf(client: pg.PoolClient): Connection {
  return {
    async query(text, params = []) {
      const result = await client.query({
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
      await client.query(text)
    },
  }
}
