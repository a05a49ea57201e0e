/** Lets other servers pass, by their signature of the request. Server-Server API §Request authentication. */

import type { Context } from 'hono'
import type { ServerRequester } from '../../src/accounts/requester.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { canonicalJson, type JsonObject } from '../../src/protocol/events/canonical-json.ts'
import { parseExactJson } from '../../src/protocol/events/exact-json.ts'
import type { KeyLookup, WantedKey } from '../../src/protocol/federation/pdu-signatures.ts'
import {
  isRequestSigned,
  parseXMatrix,
  type RequestSignature,
  type SignedRequest,
} from '../../src/protocol/federation/x-matrix.ts'
import { type AppContext, type AppEnv, portsIn } from '../app-env.ts'
import { readJsonObject } from './bodies/body.ts'
import type { EndpointRow } from './endpoint-row.ts'
import { countForServer, countStranger } from './rate-limit.ts'

const KEYS_NOW = { byTime: true }

/** @throws MatrixError M_UNAUTHORIZED; M_LIMIT_EXCEEDED */
export async function remoteServer(c: AppContext, row: EndpointRow): Promise<ServerRequester> {
  try {
    const origin = await originOf(c, row)
    countForServer(c, row, origin)
    return { kind: 'server', origin }
  } catch (error) {
    if (error instanceof MatrixError && error.status === UNAUTHORIZED) countStranger(c, row)
    throw error
  }
}

const UNAUTHORIZED = 401

async function originOf(c: AppContext, row: EndpointRow): Promise<string> {
  const { serverName } = portsIn(c).config
  const signatures = parseXMatrix(c.req.header('authorization') ?? '')
  const [{ origin, destination = serverName }] = signatures as [RequestSignature]
  if (destination !== serverName)
    throw unauthorized(`The request is for ${destination}: this is ${serverName}`)
  if (origin === serverName) throw unauthorized('A server does not ask itself')
  const content = await contentOf(c, row)
  const keys = await keysOf(c, row, signatures)
  const request: SignedRequest = { method: c.req.method, uri: rawUri(c.req.raw), destination, content }
  const isSigned = signatures.some((signature) => {
    const key = keys(wantedBy(c, signature))
    return key !== undefined && key !== 'invalid' && isRequestSigned(request, signature, key)
  })
  if (!isSigned) throw unauthorized(`The request has no valid signature of ${origin}`)
  return origin
}

/** "The full path and query", as they were sent. */
function rawUri({ url }: Request): string {
  return url.slice(url.indexOf('/', url.indexOf('//') + 2))
}

/** The body as it was signed. What has none signs none. */
async function contentOf(c: AppContext, row: EndpointRow): Promise<string | undefined> {
  if (c.req.raw.body === null) return undefined
  const { bodyBytes: limit } = row as { bodyBytes?: number }
  const reading = { timeout: portsIn(c).config.bodyTimeoutMs, limit, optional: true }
  const { value, text } = await readJsonObject(c.req.raw, reading)
  if (text === '') return undefined
  const context = c as unknown as Context<AppEnv>
  context.set('body', value)
  context.set('bodyText', text)
  // Events of old rooms have numbers that JSON.parse loses, and the signature covers them.
  const exact = parseExactJson(text) as JsonObject
  context.set('exactBody', exact)
  return canonicalJson(exact, 'any')
}

/** A key that nobody knows yet costs requests to others: its asker pays for it as for a request without a signature. */
async function keysOf(c: AppContext, row: EndpointRow, signatures: RequestSignature[]): Promise<KeyLookup> {
  const { keyRing } = portsIn(c)
  const wanted = signatures.map((signature) => wantedBy(c, signature))
  const known = keyRing.known(KEYS_NOW)
  if (wanted.some((key) => known(key) !== undefined)) return known
  countStranger(c, row)
  return keyRing.collect(wanted, KEYS_NOW)
}

const wantedBy = (c: AppContext, { origin, keyId }: RequestSignature): WantedKey => ({
  serverName: origin,
  keyId,
  at: portsIn(c).clock.now(),
})

function unauthorized(message: string): MatrixError {
  return new MatrixError('M_UNAUTHORIZED', message)
}
