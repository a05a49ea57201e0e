/** What is true of an endpoint: written once, beside its handler, and found from any request to it. */
import type { Context } from 'hono'
import { matchedRoutes } from 'hono/route'
import type * as z from 'zod'
import type { Config } from '../../src/ports/config.ts'
import type { RateClass } from './rates.ts'

/** The parts of a request that a handler reads by `c.req.valid`; unknown keys are ignored. */
export interface Schemas {
  param?: z.ZodType
  query?: z.ZodType
  json?: z.ZodType
  /** No body at all stands for `{}`: old clients send none where every key is optional. */
  bodyOptional?: boolean
}

interface Common extends Schemas {
  /** How often it may be asked; `free` is not counted. */
  limit: RateClass | 'free'
  /** Whether the operator lets it be served. If not, it answers as an unknown path does. */
  served?: (config: Config) => boolean
}

/** What not every user may do. The handler checks whatever else a user may not do. */
export interface Permit {
  /** Client-Server API §Guest Access, and what a client needs to live with that. */
  guests: boolean
  /**
   * Client-Server API §Account suspension: a suspended user reads, leaves and tidies up, and tells others nothing.
   * `own`: as far as it concerns that user alone.
   */
  suspended: boolean | 'own'
}

/** Endpoints that ask for a user. */
interface OfUsers extends Common, Permit {
  /**
   * - `device`: a session that lives, as Redis or the User object says.
   * - `claims`: a token by its signature alone. The User object, which the handler asks next, knows whether its session
   *   lives and whether its user is suspended. It is asked too before a request that does not fit its schemas is refused.
   * - `optional`: as `device` where there is a token; there need be none.
   */
  auth: 'device' | 'claims' | 'optional'
}

/** Endpoints without a requester, and those of the people that run the server. */
interface OfOthers extends Common {
  /**
   * - `none`: no token is looked at.
   * - `administrator`: a session of an administrator.
   * - `operator`: the operator's token, or a session of an administrator.
   * - `metrics`: the same, or the metrics token; on a server that nobody else reaches, nothing.
   * - `consumer`: a token of the event stream, or the operator's. The partition that is asked next knows whether it was
   *   revoked.
   * - `server`: another server, by its signature, which covers the body: that has at most `bodyBytes`.
   */
  auth: 'none' | 'administrator' | 'operator' | 'metrics' | 'consumer' | 'server'
  /** Of `server`; absent: as for clients. */
  bodyBytes?: number
}

export type EndpointRow = OfUsers | OfOthers
export type Auth = EndpointRow['auth']

const rows = new WeakMap<object, EndpointRow>()

/** Notes the row of a middleware that `endpoint` made. */
export function noteRow(middleware: object, row: EndpointRow): void {
  rows.set(middleware, row)
}

/** The row that a handler of the app stands for, if any. */
export function rowOf(handler: object): EndpointRow | undefined {
  return rows.get(handler)
}

/** The row of the endpoint that a request will reach, if the path is known. */
export function requestedRow(c: Context): EndpointRow | undefined {
  const route = matchedRoutes(c).find(({ method }) => method !== 'ALL')
  return route && rowOf(route.handler)
}

/** Other methods are told of together: a client may send any word. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH'])

/** The method, as metrics and traces name it. */
export function methodOf({ req: { method } }: Context): string {
  return METHODS.has(method) ? method : 'other'
}

const EVERYBODY: Permit = { guests: true, suspended: true }
const NEITHER: Permit = { guests: false, suspended: false }

/** What guests and suspended users may do: nothing where there is no row. */
export function permitOf(row: EndpointRow | undefined): Permit {
  if (row?.auth === 'none') return EVERYBODY
  return row !== undefined && 'guests' in row ? row : NEITHER
}
