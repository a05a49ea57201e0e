/** `endpoint({…})` beside a handler: all that is true of the endpoint, in one row that is also what enforces it. */
import type { Context, MiddlewareHandler, Next } from 'hono'
import type * as z from 'zod'
import type {
  ConsumerRequester,
  Requester,
  ServerRequester,
  UserRequester,
} from '../../src/accounts/requester.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { type AppContext, type AppEnv, portsIn, type RequesterEnv, requesterIn } from '../app-env.ts'
import { consumer } from '../event-stream/consumer.ts'
import { liveSession, optionalSession, requireLive, sessionByClaims } from './access-token.ts'
import { administrator } from './admin.ts'
import { type Auth, type EndpointRow, noteRow, type Schemas } from './endpoint-row.ts'
import { metricsReader } from './metrics-reader.ts'
import { operator } from './operator.ts'
import { remoteServer } from './remote-server.ts'
import { checkRequest } from './validate.ts'

type Target = 'param' | 'query' | 'json'

type Checked<S extends Schemas> = {
  [T in Target as S[T] extends z.ZodType ? T : never]: S[T] extends z.ZodType ? z.infer<S[T]> : never
}

/** What each kind of endpoint gives its handler as `c.var.requester`. */
interface Requesters {
  none: undefined
  optional: UserRequester | undefined
  device: UserRequester
  claims: UserRequester
  administrator: UserRequester
  operator: Requester
  metrics: Requester
  consumer: ConsumerRequester
  server: ServerRequester
}

const AUTHENTICATION: {
  [A in Exclude<Auth, 'none'>]: (c: AppContext, row: EndpointRow) => Promise<Requesters[A]>
} = {
  optional: optionalSession,
  device: liveSession,
  claims: sessionByClaims,
  administrator,
  operator,
  metrics: metricsReader,
  consumer,
  server: remoteServer,
}

/** Behind an endpoint that looks at no token there is no `c.var.requester`. */
type EnvOf<A extends Auth> = A extends 'none' ? AppEnv : RequesterEnv<Requesters[A]>

interface InputOf<S extends Schemas> {
  in: Checked<S>
  out: Checked<S>
}

/**
 * The one middleware in front of a handler: it admits the requester, then checks the parts of the request. After it the
 * handler finds `c.var.requester`, and by `c.req.valid('param' | 'query' | 'json')` what the schemas made of the parts.
 */
export function endpoint<const R extends EndpointRow>(
  row: R,
): MiddlewareHandler<EnvOf<R['auth']>, string, InputOf<R>> {
  const authenticate = row.auth === 'none' ? undefined : AUTHENTICATION[row.auth]
  async function admitted(
    c: Context<AppEnv & RequesterEnv<Requester | undefined>>,
    next: Next,
  ): Promise<void> {
    const isServed = row.served === undefined || row.served(portsIn(c).config)
    // Where there is no federation, nothing is asked of the server that is said to have signed.
    if (authenticate !== undefined && (isServed || row.auth !== 'server'))
      c.set('requester', await authenticate(c, row))
    if (!isServed) throw notServed()
    await checkRequest(c as unknown as Context<AppEnv>, row).catch((error) => firstOfSession(c, row, error))
    await next()
  }
  noteRow(admitted, row)
  return admitted as unknown as MiddlewareHandler<EnvOf<R['auth']>, string, InputOf<R>>
}

/**
 * Only a live session is told what is wrong with its request. Routes with `claims` leave the check of the session to the
 * handler, which a wrong request does not reach: it is made here.
 */
async function firstOfSession(c: AppContext, row: EndpointRow, error: unknown): Promise<never> {
  const requester = requesterIn(c)
  if (row.auth === 'claims' && requester !== undefined && 'session' in requester)
    await requireLive(c, row, requester.session)
  throw error
}

function notServed(): MatrixError {
  return new MatrixError('M_UNRECOGNIZED', 'This server does not serve this path')
}
