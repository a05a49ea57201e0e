/** Redis over HTTP: Upstash's client, to Upstash itself or to the endpoint of one machine. */
import { Redis } from '@upstash/redis/cloudflare'
import type { Logger } from '../../ports/log.ts'
import type { Metrics, SlowCalls } from '../../ports/metrics.ts'
import type { CallCounters, Clock } from '../../ports/system.ts'
import { MatrixError } from '../../protocol/errors.ts'
import { DeadlinePassed, withDeadline } from '../deadline.ts'
import { Latency } from '../latency.ts'

/** Clients over one database, and what they know of its health. */
export interface RedisClients {
  /** A client whose calls throw when they take longer. */
  within(timeoutMs: number): Redis
  /** A client whose calls throw when they take much longer than calls have taken lately. */
  asUsual(): Redis
  /** When a call of this isolate last failed, but for those that the machine itself was too slow for. */
  lastFailure(): number | undefined
}

interface Ports {
  calls: CallCounters
  log: Logger
  clock: Clock
  metrics: Metrics
  slowCalls: SlowCalls
  /** In front of every key. */
  prefix?: string
}

/** Where the database is, and how it is reached. */
export interface RedisTarget {
  /** Without a slash at its end. */
  url: string
  token: string
  fetch: typeof fetch
}

interface Question {
  path?: string[]
  body?: unknown
}

type Ask = <T>(question: Question) => Promise<{ result?: T; error?: string }>

/** The client with its HTTP in our hands: its own takes no binding, and quotes whole commands in its errors. */
class RedisOverHttp extends Redis {
  constructor({ url, token }: RedisTarget, request: Ask) {
    super({
      url,
      token,
      automaticDeserialization: false,
      enableAutoPipelining: false,
      enableTelemetry: false,
      responseEncoding: false,
      readYourWrites: false,
      retry: false,
    })
    this.client = { request }
  }
}

/** The clients for `target`. Opens no connection. */
export function redis(target: RedisTarget, ports: Ports): RedisClients {
  const { calls, log, clock, prefix = '' } = ports
  let failedAt: number | undefined
  const latency = new Latency()
  const timed = async <T>(work: () => Promise<T>): Promise<T> => {
    const started = clock.now()
    const answer = await work()
    latency.heard(clock.now() - started)
    return answer
  }
  const ask = async (question: Question, timeoutMs: number): Promise<unknown> => {
    calls.count('redis')
    calls.count('redis_commands', question.path === undefined ? 1 : (question.body as unknown[]).length)
    const ended = watched(question, ports)
    try {
      // Too late, it throws. The client's own handling would make it a null, as if the key were gone.
      const send = (signal: AbortSignal) => exchange(target, prefixed(question, prefix), signal)
      const answer = await timed(() => withDeadline(timeoutMs, send, clock.now))
      ended('ok', answer)
      return answer
    } catch (error) {
      ended(error instanceof RedisRefusal && error.isVerdict ? 'refused' : 'unavailable')
      const isOurs = error instanceof DeadlinePassed && error.isOurs
      if (!isOurs) {
        if (error instanceof DeadlinePassed) latency.missed()
        failedAt = clock.now()
        log.trouble('redis', 'redis is unavailable', { code: codeOf(error) })
      }
      throw new MatrixError('M_UNKNOWN', 'The session store is not available. Try again soon.', {
        status: 503,
      })
    }
  }
  return {
    within: (timeoutMs) => new RedisOverHttp(target, ((question) => ask(question, timeoutMs)) as Ask),
    asUsual: () => new RedisOverHttp(target, ((question) => ask(question, latency.patienceMs)) as Ask),
    lastFailure: () => failedAt,
  }
}

/** Commands that look keys up, one answer for each. */
const LOOKUPS: ReadonlySet<string> = new Set(['get', 'getdel', 'mget'])

/** Begins to time a question; answers what ends it. Of keys only their kind is noted. */
function watched(
  { path, body }: Question,
  { clock, metrics, slowCalls }: Ports,
): (outcome: string, answer?: unknown) => void {
  const at = clock.now()
  const commands = (path === undefined ? [body] : body) as unknown[][]
  return (outcome, answer) => {
    const ms = clock.now() - at
    metrics.observe('redis_request_duration_seconds', { outcome }, ms / 1000)
    slowCalls.note('redis', { what: commands.map(kindOf).join(', '), ms, at })
    const answers = (path === undefined ? [answer] : answer) as { result?: unknown }[] | undefined
    for (const [index, [name]] of commands.entries()) {
      if (outcome !== 'ok' || !LOOKUPS.has(String(name).toLowerCase())) continue
      for (const found of [answers?.[index]?.result].flat())
        metrics.count('redis_lookups_total', { result: found === null ? 'miss' : 'hit' })
    }
  }
}

/** A command and the kind of its key, which stands before its first colon. */
function kindOf([name, key]: unknown[]): string {
  const [kind] = /^[a-z_-]+(?=:)/.exec(String(key ?? '')) ?? []
  return kind === undefined ? String(name) : `${name} ${kind}`
}

function codeOf(error: unknown): string | undefined {
  return error instanceof RedisRefusal ? error.code : error instanceof Error ? error.name : undefined
}

/** Commands whose first argument is no key. */
const KEYLESS: ReadonlySet<string> = new Set(['dbsize', 'info', 'ping', 'scan'])
/** Commands all of whose arguments are keys; of the others, the first one is. */
const KEYS_ALONE: ReadonlySet<string> = new Set(['mget', 'del', 'exists'])

function prefixed({ path, body }: Question, prefix: string): Question {
  if (prefix === '') return { path, body }
  const commands = body as unknown[][]
  return {
    path,
    body:
      path === undefined
        ? withPrefix(body as unknown[], prefix)
        : commands.map((one) => withPrefix(one, prefix)),
  }
}

function withPrefix([name, ...args]: unknown[], prefix: string): unknown[] {
  if (KEYLESS.has(String(name).toLowerCase())) return [name, ...args]
  const all = KEYS_ALONE.has(String(name).toLowerCase())
  return [name, ...args.map((arg, index) => (all || index === 0 ? `${prefix}${arg}` : arg))]
}

/** One HTTP request; anything but a clean answer throws. */
async function exchange(
  target: RedisTarget,
  { path = [], body }: Question,
  signal: AbortSignal,
): Promise<unknown> {
  const send = target.fetch
  const response = await send([target.url, ...path].join('/'), {
    method: 'POST',
    headers: { authorization: `Bearer ${target.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  })
  if (!response.ok) throw new RedisRefusal(await response.json().catch(() => undefined), response.status)
  const answer = await response.json()
  const refusal = [answer].flat().find(isRefusal)
  if (refusal !== undefined) throw new RedisRefusal(refusal, response.status)
  return answer
}

function isRefusal(outcome: unknown): boolean {
  return typeof outcome === 'object' && outcome !== null && 'error' in outcome && outcome.error !== undefined
}

/** A refused command or request: its text is left behind, since it may hold a session. */
class RedisRefusal extends Error {
  override readonly name = 'RedisRefusal'
  /** The first word of an error of Redis, or what the way to it says. */
  readonly code: string
  /** Redis itself said no to the command. */
  readonly isVerdict: boolean

  constructor(answer: unknown, status: number) {
    super()
    this.isVerdict = status <= 400
    const { code, error } = (answer ?? {}) as { code?: unknown; error?: unknown }
    const [word] = /^[A-Z]{2,20}\b/.exec(String(error)) ?? []
    this.code = typeof code === 'string' && /^[A-Z0-9_]{2,40}$/.test(code) ? code : (word ?? `HTTP_${status}`)
  }
}
