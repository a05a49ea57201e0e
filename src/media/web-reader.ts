/** Reads a page or a picture of the web: every redirect is checked, and nothing is read without a bound. */
import type { WebClient } from '../ports.ts'
import { MatrixError } from '../protocol/errors.ts'
import { webAddress } from './web-address.ts'

const MAX_REDIRECTS = 5
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** One look: all that it reads ends with its signal. */
export interface Look {
  web: WebClient
  privateAllowed: boolean
  signal: AbortSignal
}

export interface Found {
  /** After all redirects. */
  url: URL
  response: Response
}

/** The client over `send`; it names itself, so that a site can tell whom it answers, and refuse. */
export function webClient(send: typeof fetch, publicUrl: string): WebClient {
  const userAgent = `Selvedge (URL previews for a Matrix server; +${publicUrl})`
  return {
    get: (url, accept, signal) =>
      send(url, { headers: { 'user-agent': userAgent, accept }, redirect: 'manual', signal }),
  }
}

/** Follows redirects. @throws MatrixError M_FORBIDDEN, or M_UNKNOWN with 502 */
export async function open(look: Look, start: URL, accept: string): Promise<Found> {
  let url = start
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const response = await look.web.get(url.href, accept, look.signal).catch(() => {
      throw unreachable()
    })
    if (response.ok) return { url, response }
    await response.body?.cancel().catch(() => undefined)
    const location = response.headers.get('location')
    if (!REDIRECTS.has(response.status) || location === null) throw unreachable()
    const next = webAddress(location, { privateAllowed: look.privateAllowed, base: url })
    if (next === 'forbidden') throw forbidden()
    if (next === 'invalid') throw unreachable()
    url = next
  }
  throw unreachable()
}

/** The first `limit` bytes, as they are after decompression, and whether that is all. @throws MatrixError M_UNKNOWN */
export async function readBytes(
  { body }: Response,
  limit: number,
): Promise<{ bytes: Uint8Array; isWhole: boolean }> {
  const bytes = new Uint8Array(limit)
  let filled = 0
  try {
    for await (const chunk of body ?? []) {
      const piece = chunk.subarray(0, limit - filled)
      bytes.set(piece, filled)
      filled += piece.byteLength
      // Leaving the loop cancels the rest.
      if (piece.byteLength < chunk.byteLength) return { bytes, isWhole: false }
    }
  } catch {
    throw unreachable()
  }
  return { bytes: bytes.subarray(0, filled), isWhole: true }
}

/** The media type without its parameters. */
export function typeOf({ headers }: Response): string {
  return (headers.get('content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase()
}

export function forbidden(): MatrixError {
  return new MatrixError('M_FORBIDDEN', 'The server does not look at that address')
}

/** Why is not told: it would say what a network has inside. */
export function unreachable(): MatrixError {
  return new MatrixError('M_UNKNOWN', 'Nothing could be read at that address', { status: 502 })
}
