/** The traces of a share of the requests, for OpenTelemetry. */
import type { Context } from 'hono'
import { Trace } from '../../src/tracing/trace.ts'
import { type AppEnv, portsIn } from '../app-env.ts'
import { fractionOf } from './access-log.ts'
import { methodOf } from './endpoint-row.ts'

/** What programs of the operator ask all day, and the launcher. */
const UNTRACED = /^\/(health|metrics)$|^\/_selvedge\/(local|status)(\/|$)/
const FAILED = 500

/** Begins the trace of a request, if it is to have one. */
export function beginTrace(c: Context<AppEnv>): Trace | undefined {
  const { clock, config, random, traces } = portsIn(c)
  if (traces === undefined || config.traces === undefined || UNTRACED.test(c.req.path)) return undefined
  const { sample } = config.traces
  return sample === 1 || fractionOf(random) < sample ? new Trace(clock, random) : undefined
}

/** Hands the trace on beside the answer. The route is its pattern: no room or user is named. */
export function endTrace(
  c: Context<AppEnv>,
  trace: Trace,
  { route, status }: { route: string; status: number },
): void {
  const method = methodOf(c)
  const attributes = {
    'http.request.method': method === 'other' ? '_OTHER' : method,
    'http.route': route,
    'http.response.status_code': status,
    'selvedge.request_id': c.get('requestId'),
  }
  const spans = trace.end(`${method} ${route}`, attributes, status >= FAILED)
  portsIn(c).traces?.take(spans, (work) => c.executionCtx.waitUntil(work))
}
