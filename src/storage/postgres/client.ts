/** Postgres over HTTP: Neon's driver, to Neon itself or to the endpoint of one machine. */
import { NeonDbError, type NeonQueryFunction, neon, neonConfig } from '@neondatabase/serverless'
import type { Env } from '../../env.ts'
import type { CallCounters, Logger } from '../../ports.ts'
import { MatrixError } from '../../protocol/errors.ts'

export type SqlValue = string | number | boolean | null
export type SqlRow = Record<string, unknown>

export interface SqlStatement {
  text: string
  values: SqlValue[]
}

/** What the stores beside this file need of a database. Each call is one HTTP request. */
export interface Sql {
  query(text: string, values: SqlValue[]): Promise<SqlRow[]>
  /** All statements in one transaction. */
  transaction(statements: SqlStatement[]): Promise<SqlRow[][]>
}

/** A serverless Postgres that slept needs some seconds to wake. */
const TIMEOUT_MS = 15_000

/** The local endpoint knows its database by itself; the driver only wants the shape of a URL. */
const LOCAL_URL = 'postgresql://selvedge:selvedge@postgres.local/selvedge'

/** SQLSTATE classes that say the server is not there for us: connection, resources, operator intervention. */
const UNAVAILABLE_CLASSES = new Set(['08', '53', '57'])

/** The database these bindings name. Opens no connection. */
export function postgres(env: Env, ports: { calls: CallCounters; log: Logger }): Sql {
  const url = env.PG === undefined ? env.DATABASE_URL : LOCAL_URL
  configureDriver(env.PG)
  let driver: NeonQueryFunction<false, false> | undefined
  const connected = () => {
    driver ??= neon(url)
    return driver
  }
  const counted = async <T>(ask: () => Promise<T>): Promise<T> => {
    ports.calls.count('postgres')
    try {
      return await ask()
    } catch (error) {
      throw translated(error, ports.log)
    }
  }
  return {
    query: (text, values) => counted(() => connected().query(text, values)),
    transaction: (statements) =>
      counted(() => {
        const sql = connected()
        return sql.transaction(statements.map(({ text, values }) => sql.query(text, values)))
      }),
  }
}

/** The driver takes its way of fetching from one global place; an isolate has one set of bindings. */
function configureDriver(binding: Fetcher | undefined): void {
  const send: typeof fetch = binding === undefined ? fetch : (input, init) => binding.fetch(input, init)
  neonConfig.fetchFunction = (url: string, init: RequestInit) =>
    send(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (binding !== undefined) neonConfig.fetchEndpoint = () => 'http://postgres.local/sql'
}

/** The driver's errors may quote parameters: only the SQLSTATE leaves this file. */
function translated(error: unknown, log: Logger): Error {
  const code = error instanceof NeonDbError ? error.code : undefined
  if (code !== undefined && !UNAVAILABLE_CLASSES.has(code.slice(0, 2))) {
    log.error('postgres refused a statement', { code })
    return new Error(`Postgres refused a statement: SQLSTATE ${code}`)
  }
  log.warn('postgres is unavailable', { code })
  return new MatrixError('M_UNKNOWN', 'The account database is not available. Try again soon.', {
    status: 503,
  })
}
