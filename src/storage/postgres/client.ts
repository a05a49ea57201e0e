/** Postgres over HTTP: Neon's driver, to Neon itself or to the endpoint of one machine. */
import { NeonDbError, type NeonQueryFunction, neon, neonConfig } from '@neondatabase/serverless'
import type { Logger } from '../../ports/log.ts'
import type { Metrics, SlowCalls } from '../../ports/metrics.ts'
import type { CallCounters, Clock } from '../../ports/system.ts'
import { MatrixError } from '../../protocol/errors.ts'
import { withDeadline } from '../deadline.ts'
import { storable } from './text.ts'

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

/** SQLSTATE classes that say the server is not there for us: connection, resources, operator intervention. */
const UNAVAILABLE_CLASSES = new Set(['08', '53', '57'])

/** Where the database is, and how it is reached. */
export interface PostgresTarget {
  url: string
  /** The HTTP endpoint, where it is not Neon's own for that URL. */
  endpoint?: string
  fetch: typeof fetch
}

interface PostgresPorts {
  calls: CallCounters
  log: Logger
  clock: Clock
  metrics: Metrics
  slowCalls: SlowCalls
  instanceId?: string
}

/** The database at `target`. Opens no connection. */
export function postgres(target: PostgresTarget, ports: PostgresPorts): Sql {
  configureDriver(target)
  let driver: NeonQueryFunction<false, false> | undefined
  const connected = () => {
    driver ??= neon(target.url)
    return driver
  }
  const translating = async <T>(text: string, ask: () => Promise<T>): Promise<T> => {
    ports.calls.count('postgres')
    const ended = timed(text, ports)
    try {
      const answer = await ask()
      ended('ok')
      return answer
    } catch (error) {
      const failure = translated(error, ports.log)
      ended(failure instanceof MatrixError ? 'unavailable' : 'refused')
      throw failure
    }
  }
  const ours = ownership(ports, (id) => translating(CLAIM, () => connected().query(CLAIM, [id])))
  const counted = async <T>(text: string, ask: () => Promise<T>): Promise<T> => {
    await ours()
    return translating(text, ask)
  }
  return {
    query: (text, values) => counted(text, () => connected().query(text, values.map(sendable))),
    transaction: (statements) =>
      counted(statements[0]?.text ?? '', () => {
        const sql = connected()
        return sql.transaction(statements.map(({ text, values }) => sql.query(text, values.map(sendable))))
      }),
  }
}

/** Begins to time a question; answers what ends it. The statement has its values beside it, so it holds nothing private. */
function timed(what: string, { clock, metrics, slowCalls }: PostgresPorts): (outcome: string) => void {
  const at = clock.now()
  return (outcome) => {
    const ms = clock.now() - at
    metrics.observe('postgres_request_duration_seconds', { outcome }, ms / 1000)
    slowCalls.note('postgres', { what, ms, at })
  }
}

/** Claims the database for this server if it belongs to nobody; answers its owner's id. */
const CLAIM = `
  with claimed as (insert into instance (id) values ($1::text) on conflict (one) do nothing returning id)
  select id from claimed union all select id from instance`

/** The owner that was found: an isolate has one database, and each of its objects comes here. */
let owned: string | undefined

/**
 * Asks once an isolate whether the database belongs to this server: another server's database knows other accounts, and
 * this server would give its names away.
 */
function ownership(
  { instanceId, log }: { instanceId?: string; log: Logger },
  claim: (id: string) => Promise<SqlRow[]>,
): () => Promise<void> {
  const check = async (id: string) => {
    const [row] = await claim(id)
    if (row?.id === id) return
    // No row: another isolate has claimed it this instant, and the next question finds its id.
    if (row !== undefined)
      log.error('the database belongs to another server', { database: String(row.id), server: id })
    throw unavailable()
  }
  return async () => {
    if (instanceId === undefined || owned === instanceId) return
    await check(instanceId)
    owned = instanceId
  }
}

/** No text that Postgres refuses can name anything in it, so asking for such a text is no failure. */
const sendable = (value: SqlValue) => (typeof value === 'string' ? storable(value) : value)

/** The driver takes its way of fetching from one global place; an isolate has one database. */
function configureDriver({ endpoint, fetch: send }: PostgresTarget): void {
  neonConfig.fetchFunction = (url: string, init: RequestInit) =>
    withDeadline(TIMEOUT_MS, async (signal) => {
      const response = await send(url, { ...init, signal })
      // Read here, so that the deadline covers the body too.
      const text = await response.text()
      // 400 is how a statement's own failure is told; the driver would quote any other answer, and lose its code.
      if (response.status > 400) throw new Unreachable(codeIn(text) ?? `HTTP_${response.status}`)
      return new Response(text, { status: response.status })
    })
  if (endpoint !== undefined) neonConfig.fetchEndpoint = () => endpoint
}

/** The driver's errors may quote parameters: only the SQLSTATE leaves this file. */
function translated(error: unknown, log: Logger): Error {
  const code = error instanceof NeonDbError ? error.code : undefined
  if (code !== undefined && !UNAVAILABLE_CLASSES.has(code.slice(0, 2))) {
    log.error('postgres refused a statement', { code })
    return new Error(`Postgres refused a statement: SQLSTATE ${code}`)
  }
  log.trouble('postgres', 'postgres is unavailable', { code: code ?? reasonOf(error) })
  return unavailable()
}

/** The database did not answer, or something in front of it did. */
class Unreachable extends Error {
  override readonly name = 'Unreachable'
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

/** What the driver has wrapped: its own sentence quotes addresses. */
function reasonOf(error: unknown): string | undefined {
  const cause = error instanceof NeonDbError ? error.sourceError : error
  return cause instanceof Unreachable ? cause.code : cause instanceof Error ? cause.name : undefined
}

function codeIn(text: string): string | undefined {
  try {
    const { code } = JSON.parse(text) as { code?: unknown }
    return typeof code === 'string' && /^[A-Z0-9_]{2,40}$/.test(code) ? code : undefined
  } catch {
    return undefined
  }
}

function unavailable(): MatrixError {
  return new MatrixError('M_UNKNOWN', 'The account database is not available. Try again soon.', {
    status: 503,
  })
}
