/** Requests to other servers: found, signed, and bounded in time and in bytes. */
import { discard, passBytes, readBytes } from '../outside.ts'
import type { Config } from '../ports/config.ts'
import type { FederationClient, ServerRequest } from '../ports/federation.ts'
import type { Metrics } from '../ports/metrics.ts'
import type { JsonValue } from '../protocol/events/canonical-json.ts'
import { REQUESTS, type RequestBounds } from '../protocol/federation/requests.ts'
import { makeXMatrix } from '../protocol/federation/x-matrix.ts'
import { objectField, stringField } from '../protocol/json-fields.ts'
import type { Discovery } from './discovery.ts'
import { ServerFailure } from './server-failure.ts'

/** Of an error, nothing beyond this is read. */
const LARGEST_ERROR = 8_192
/** A server cannot ask to be left alone for longer, ms. */
const LONGEST_WAIT_MS = 3_600_000

type Deadline = <T>(ms: number, work: (signal: AbortSignal) => Promise<T>) => Promise<T>

interface ClientParts {
  send: typeof fetch
  deadline: Deadline
  discovery: Discovery
  config: Pick<Config, 'serverName' | 'signingKeys'>
  metrics: Metrics
}

/** The client of one isolate. */
export function federationClient(parts: ClientParts): FederationClient {
  const { deadline, metrics } = parts
  return {
    async ask(request) {
      try {
        const ms = Math.min(REQUESTS[request.kind].timeoutMs, request.withinMs ?? Number.POSITIVE_INFINITY)
        const answer = await deadline(ms, (signal) => ask(parts, request, signal))
        metrics.count('federation_requests_total', { outcome: 'ok' })
        return answer
      } catch (error) {
        // The network's own error names hosts and addresses. Callers need the kind of the failure alone.
        const failure = error instanceof ServerFailure ? error : new ServerFailure('unreachable')
        metrics.count('federation_requests_total', { outcome: failure.kind })
        throw failure
      }
    },
  }
}

async function ask(
  { send, discovery, config }: ClientParts,
  request: ServerRequest,
  signal: AbortSignal,
): Promise<{ text: string }> {
  const { destination, content } = request
  const { method, maxBytes, isUnsigned = false }: RequestBounds = REQUESTS[request.kind]
  const target = await whileInTime(signal, discovery.find(destination))
  if (target === undefined) throw new ServerFailure('unreachable')
  const url = new URL(`https://${target}${request.uri}`)
  // As it goes on the wire: URLs escape more than their parts were.
  const uri = url.pathname + url.search
  const headers = new Headers({ accept: 'application/json' })
  if (content !== undefined) headers.set('content-type', 'application/json')
  if (!isUnsigned) {
    const signed = { method, uri, destination, content }
    headers.set('authorization', makeXMatrix(config.serverName, signed, config.signingKeys[0]!))
  }
  const response = await send(url.href, {
    method,
    headers,
    signal,
    // What was signed is for this server alone.
    redirect: 'manual',
    ...(content !== undefined && { body: content }),
  })
  if (!response.ok) throw await failureOf(response)
  if (request.take !== undefined) {
    if (!(await passBytes(response, maxBytes, request.take))) throw new ServerFailure('unfit')
    return { text: '' }
  }
  const { bytes, isWhole } = await readBytes(response, maxBytes)
  if (!isWhole) throw new ServerFailure('unfit')
  return { text: new TextDecoder().decode(bytes) }
}

/** Finding a server has a time of its own, which may be longer than what is left for a request. */
function whileInTime<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    work.then(resolve, reject)
  })
}

async function failureOf(response: Response): Promise<ServerFailure> {
  const { status } = response
  const type = response.headers.get('content-type') ?? ''
  if (!type.includes('json')) {
    await discard(response)
    return new ServerFailure('refused', { status })
  }
  const { bytes } = await readBytes(response, LARGEST_ERROR)
  const body = objectField(parsed(new TextDecoder().decode(bytes)))
  const errcode = stringField(body?.errcode)
  const wait = waitOf(response, body?.retry_after_ms)
  return new ServerFailure('refused', {
    status,
    ...(errcode !== undefined && { errcode: errcode.slice(0, 255) }),
    ...(wait !== undefined && { retryAfterMs: Math.min(wait, LONGEST_WAIT_MS) }),
  })
}

function waitOf(response: Response, ms: JsonValue | undefined): number | undefined {
  const seconds = /^\d{1,6}$/.exec(response.headers.get('retry-after') ?? '')?.[0]
  if (seconds !== undefined) return Number(seconds) * 1000
  return typeof ms === 'number' && ms > 0 ? ms : undefined
}

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
}
