/** The one place where failures become answers. */
import type { Context } from 'hono'
import { ClientGone } from '../../durable-objects/gate.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppEnv } from '../app-env.ts'

/** The status that other servers log for a client that went away before its answer; no client sees it. */
const CLIENT_CLOSED_REQUEST = 499

/** Renders what a handler threw. Failures that the protocol does not name are logged, and no client is told of them. */
export function renderError(error: Error, c: Context<AppEnv>): Response {
  if (error instanceof MatrixError) return renderMatrixError(error)
  if (error instanceof ClientGone) return new Response(null, { status: CLIENT_CLOSED_REQUEST })
  c.var.ports.log.error('request failed', {
    request_id: c.var.requestId,
    error: error.message,
    stack: error.stack,
  })
  return renderMatrixError(new MatrixError('M_UNKNOWN', 'Internal server error'))
}

/** The standard error response: `errcode`, `error` and the keys that the code defines. */
export function renderMatrixError(error: MatrixError): Response {
  const body = { ...error.extra, errcode: error.errcode, error: error.message }
  const headers = retryAfter(error)
  return Response.json(body, { status: error.status, headers })
}

/** "Clients SHOULD use the Retry-After header": whole seconds, rounded up so that no client comes too early. */
function retryAfter(error: MatrixError): Record<string, string> {
  const ms = error.extra?.retry_after_ms
  if (typeof ms !== 'number') return {}
  return { 'Retry-After': String(Math.max(1, Math.ceil(ms / 1000))) }
}
