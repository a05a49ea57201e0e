/** What every request passes once: its id, the ports, CORS and security headers, the access log, the metrics. */
import type { Context, Next } from 'hono'
import { matchedRoutes } from 'hono/route'
import { gatedObjects } from '../../durable-objects/gate.ts'
import { askingUser } from '../../src/accounts/requester.ts'
import { portsOf } from '../../src/context.ts'
import type { Random } from '../../src/ports/system.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { type AppEnv, portsIn, requesterIn } from '../app-env.ts'
import { DROP_HEADER, dropAfterRpc } from '../ops/test-hooks.ts'
import { logRequest } from './access-log.ts'
import { mayBeUnread, withRestRead } from './bodies/unread-bodies.ts'
import { letIn } from './crowding.ts'
import { dress } from './dress.ts'
import { methodOf, requestedRow } from './endpoint-row.ts'
import { renderMatrixError } from './errors.ts'
import { countForAddress } from './rate-limit.ts'
import { beginTrace, endTrace } from './traces.ts'

const ISOLATE_NAME_LENGTH = 12

/** Request ids are this isolate's name and a count: unique, and much cheaper than randomness for each. */
let isolateName: string | undefined
let requestCount = 0

/** What a proxy in front of us may name a request: anything else could forge lines of a log. */
const REQUEST_ID_GRAMMAR = /^[A-Za-z0-9._-]{1,64}$/

/** MSC4108: browsers must be allowed to read and send the marks by which its sessions are written. */
const RENDEZVOUS = /^\/_matrix\/client\/unstable\/org\.matrix\.msc4108\/rendezvous(\/|$)/
const RENDEZVOUS_CORS: [string, string][] = [
  ['Access-Control-Allow-Headers', 'X-Requested-With, Content-Type, Authorization, If-Match, If-None-Match'],
  ['Access-Control-Expose-Headers', 'Retry-After, X-Request-Id, ETag'],
]

/** Spares browsers a preflight before each request, for as long as they allow. */
const PREFLIGHT = { 'Access-Control-Max-Age': '86400' }

/** The one middleware in front of all routes. */
export async function edge(c: Context<AppEnv>, next: Next): Promise<void> {
  const ports = portsOf(c.env)
  const started = ports.clock.now()
  const requestId = nameRequest(c.req.header('x-request-id'), ports.random)
  const drop = ports.config.testHooks ? dropAfterRpc(c.req.header(DROP_HEADER)) : undefined
  c.set('ports', ports)
  const asker = () => askingUser(requesterIn(c))
  c.set('objects', gatedObjects(c.env, ports, { dropAfterRpc: drop, asker }))
  c.set('requestId', requestId)

  const trace = beginTrace(c)
  const entry = answerWithoutRouting(c)
  if (entry instanceof Response) c.res = entry
  else await (trace === undefined ? next() : trace.run(next)).finally(entry)

  dress(c.res, requestId)
  if (RENDEZVOUS.test(c.req.path)) for (const [name, value] of RENDEZVOUS_CORS) c.res.headers.set(name, value)
  const route = routePattern(c)
  const { status } = c.res
  const ms = ports.clock.now() - started
  countRequest(c, { route, status, ms })
  if (trace !== undefined) endTrace(c, trace, { route, status })
  await logRequest(c, { route, status, ms })
  if (mayBeUnread(c)) c.res = await withRestRead(c, c.res)
}

const TOO_MANY = 429

function countRequest(
  c: Context<AppEnv>,
  { route, status, ms }: { route: string; status: number; ms: number },
): void {
  const { gathered, metrics } = portsIn(c)
  const method = methodOf(c)
  metrics.count('http_requests_total', { method, route, status: String(status) })
  metrics.observe('http_request_duration_seconds', { method, route }, ms / 1000)
  if (status === TOO_MANY)
    metrics.count('rate_limited_requests_total', { class: requestedRow(c)?.limit ?? 'read' })
  gathered?.flushBeside((work) => c.executionCtx.waitUntil(work))
}

function nameRequest(given: string | undefined, random: Random): string {
  if (given !== undefined && REQUEST_ID_GRAMMAR.test(given)) return given
  isolateName ??= random.token(ISOLATE_NAME_LENGTH)
  requestCount += 1
  return `${isolateName}-${requestCount.toString(36)}`
}

/** "Servers MUST expect that clients will approach them with OPTIONS requests": no auth, no side effects. */
function answerWithoutRouting(c: Context<AppEnv>): Response | (() => void) {
  if (c.req.method === 'OPTIONS') return new Response(null, { status: 204, headers: PREFLIGHT })
  if (!isDecodable(c.req.path)) {
    return renderMatrixError(new MatrixError('M_INVALID_PARAM', 'The path holds a broken percent escape'))
  }
  return refusalOf(() => {
    countForAddress(c)
    return letIn(c)
  })
}

/** Rendered here: with no route behind it, the edge would not get its turn after a throw. */
function refusalOf<T>(work: () => T): T | Response {
  try {
    return work()
  } catch (error) {
    if (error instanceof MatrixError) return renderMatrixError(error)
    throw error
  }
}

function isDecodable(path: string): boolean {
  if (!path.includes('%')) return true
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}

/** The pattern and never the path, which names rooms and users; `none` where no route was found. */
function routePattern(c: Context<AppEnv>): string {
  const route = matchedRoutes(c).at(-1)
  return route === undefined || route.method === 'ALL' ? 'none' : route.path
}
