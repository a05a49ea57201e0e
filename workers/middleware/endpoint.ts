/** `endpoint({…})` beside a handler: all that is true of the endpoint, in one row that is also what enforces it. */
import type { Context, MiddlewareHandler } from 'hono'
import type * as z from 'zod'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppEnv } from '../app-env.ts'
import { liveSession, optionalSession, sessionByClaims } from './access-token.ts'
import { administrator } from './admin.ts'
import { type Auth, type EndpointRow, noteRow, type Schemas } from './endpoint-row.ts'
import { operator } from './operator.ts'
import { checkRequest } from './validate.ts'

type Target = 'param' | 'query' | 'json'

type Checked<S extends Schemas> = {
  [T in Target as S[T] extends z.ZodType ? T : never]: S[T] extends z.ZodType ? z.infer<S[T]> : never
}

/** How each kind of endpoint learns who asks. */
const AUTHENTICATION: Record<
  Exclude<Auth, 'none'>,
  (c: Context<AppEnv>, row: EndpointRow) => Promise<void>
> = {
  device: liveSession,
  claims: sessionByClaims,
  optional: optionalSession,
  administrator,
  operator,
}

/**
 * The one middleware in front of a handler: who asks and whether they may, then the parts of the request. After it
 * `c.req.valid('param' | 'query' | 'json')` answers what the schemas made of them.
 */
export function endpoint<const R extends EndpointRow>(
  row: R,
): MiddlewareHandler<AppEnv, string, { in: Checked<R>; out: Checked<R> }> {
  const authenticate = row.auth === 'none' ? undefined : AUTHENTICATION[row.auth]
  const admitted: MiddlewareHandler<AppEnv, string, { in: Checked<R>; out: Checked<R> }> = async (
    c,
    next,
  ) => {
    const context = c as unknown as Context<AppEnv>
    if (authenticate !== undefined) await authenticate(context, row)
    if (row.served !== undefined && !row.served(c.var.ports.config)) throw notServed()
    await checkRequest(context, row)
    await next()
  }
  noteRow(admitted, row)
  return admitted
}

function notServed(): MatrixError {
  return new MatrixError('M_UNRECOGNIZED', 'This server does not serve this path')
}
