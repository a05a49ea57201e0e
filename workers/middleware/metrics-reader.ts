/**
 * Who may see how the server is doing: the holder of the metrics token, the operator, an administrator, and, on a server
 * that nobody else reaches, people and programs of the same machine (decision 27).
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Requester } from '../../src/accounts/requester.ts'
import { ipAddress } from '../../src/ip-address.ts'
import type { AppContext } from '../app-env.ts'
import { peerAddress } from './client-address.ts'
import type { EndpointRow } from './endpoint-row.ts'
import { operator } from './operator.ts'

/** Lets pass what may read metrics. @throws MatrixError as for an administrator's endpoint */
export async function metricsReader(c: AppContext, row: EndpointRow): Promise<Requester> {
  if (mayReadUnasked(c)) return { kind: 'operator' }
  return operator(c, row)
}

/** Whether the request itself shows that it may read metrics: by the token, or by where it comes from. */
export function mayReadUnasked(c: AppContext): boolean {
  return holdsToken(c) || isOfThisMachine(c)
}

/** As Prometheus sends it, or as the password of a browser's dialogue, with any name. */
function holdsToken(c: AppContext): boolean {
  const { metricsToken } = c.var.ports.config
  if (metricsToken === undefined) return false
  // A browser sends the password again with whatever another site has it send.
  if (c.req.method !== 'GET' && isSentByAnotherSite(c)) return false
  const given = tokenIn(c.req.header('authorization') ?? '')
  return given !== undefined && timingSafeEqual(digest(given), digest(metricsToken))
}

function tokenIn(authorization: string): string | undefined {
  const [, scheme, credentials] = /^(Bearer|Basic) +(\S+) *$/i.exec(authorization) ?? []
  if (credentials === undefined || scheme?.toLowerCase() === 'bearer') return credentials
  const text = Buffer.from(credentials, 'base64').toString()
  return text.slice(text.indexOf(':') + 1)
}

/** Of one length, whatever was given. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** What a proxy adds: behind one the peer is not the client. */
const OF_PROXIES = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'cf-connecting-ip',
]

/**
 * The server is for this machine alone: no token is set, its public address is a loopback address, and the request
 * comes from there, by no proxy, and from no page of another site that a browser shows.
 */
function isOfThisMachine(c: AppContext): boolean {
  const { metricsToken, publicUrl } = c.var.ports.config
  if (metricsToken !== undefined) return false
  const peer = peerAddress(c)
  return (
    peer !== undefined &&
    [peer, new URL(publicUrl).hostname, new URL(c.req.url).hostname].every(isLoopback) &&
    OF_PROXIES.every((name) => c.req.header(name) === undefined) &&
    !isSentByAnotherSite(c)
  )
}

/** Browsers say so; programs say nothing. */
function isSentByAnotherSite(c: AppContext): boolean {
  return !['none', 'same-origin'].includes(c.req.header('sec-fetch-site') ?? 'none')
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const address = ipAddress(host)
  return address === '::1' || address?.startsWith('127.') === true
}
