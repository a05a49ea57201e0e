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
import { parseJsonObject, readJsonText } from './bodies/body.ts'
import { clientNetwork } from './client-address.ts'
import type { EndpointRow } from './endpoint-row.ts'
import { countForServer, countStranger, refuse } from './rate-limit.ts'
import { UnderWay } from './under-way.ts'

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
  const text = await textOf(c, row)
  const keys = await keysOf(c, row, signatures)
  const isSigned = (content: string | undefined) => {
    const request: SignedRequest = { method: c.req.method, uri: rawUri(c.req.raw), destination, content }
    return signatures.some((signature) => {
      const key = keys(wantedBy(c, signature))
      return key !== undefined && key !== 'invalid' && isRequestSigned(request, signature, key)
    })
  }
  // Most servers send what they sign. To know what else a text says costs seconds where it is long, and who sent it is
  // not known yet: the sender's address pays.
  const asSent = isSigned(text)
  if (!asSent && text !== undefined) countLength(c, row, text)
  const content = text === undefined ? undefined : contentOf(c, text)
  if (!asSent && !isSigned(content?.())) throw unauthorized(`The request has no valid signature of ${origin}`)
  return origin
}

/** Characters of a body that is read before its signature is known to be good, for nothing, and for each request counted. */
const FREE_LENGTH = 64 * 1024
const COUNTED_LENGTH = 4 * 1024

/** @throws MatrixError M_LIMIT_EXCEEDED */
function countLength(c: AppContext, row: EndpointRow, { length }: string): void {
  if (length > FREE_LENGTH) countStranger(c, row, Math.ceil((length - FREE_LENGTH) / COUNTED_LENGTH))
}

/** "The full path and query", as they were sent. */
function rawUri({ url }: Request): string {
  return url.slice(url.indexOf('/', url.indexOf('//') + 2))
}

/** The body as it was sent. What has none signs none. */
async function textOf(c: AppContext, row: EndpointRow): Promise<string | undefined> {
  if (c.req.raw.body === null) return undefined
  const { bodyBytes: limit } = row as { bodyBytes?: number }
  const read = () => readJsonText(c.req.raw, { timeout: portsIn(c).config.bodyTimeoutMs, limit })
  const text = limit === undefined ? await read() : await oneOfFew(c, read)
  return text === '' ? undefined : text
}

/** Keeps what a body says, and answers how it is written where it is signed. @throws MatrixError M_NOT_JSON, M_BAD_JSON */
function contentOf(c: AppContext, text: string): () => string {
  const value = parseJsonObject(text)
  const context = c as unknown as Context<AppEnv>
  context.set('body', value)
  context.set('bodyText', text)
  // Events of old rooms have numbers that JSON.parse loses, and the signature covers them.
  const exact = parseExactJson(text) as JsonObject
  context.set('exactBody', exact)
  return () => canonicalJson(exact, 'any')
}

/** Large bodies of one network that are read at the same time: nobody has signed them yet, and they fill the memory. */
const MOST_READ = 8
const AGAIN_MS = 1_000
const beingRead = new Map<string, UnderWay>()

/** @throws MatrixError M_LIMIT_EXCEEDED */
async function oneOfFew<T>(c: AppContext, read: () => Promise<T>): Promise<T> {
  const network = clientNetwork(c)
  const now = portsIn(c).clock.now()
  const own = beingRead.get(network) ?? new UnderWay()
  if (own.count(now) >= MOST_READ) refuse(AGAIN_MS)
  beingRead.set(network, own)
  const end = own.begin(now)
  try {
    return await read()
  } finally {
    end()
    if (own.count(now) === 0) beingRead.delete(network)
  }
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
