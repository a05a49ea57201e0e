/** Reads a page or a picture of the web: every redirect is checked, and nothing is read without a bound. */
import { askAgainOnce, discard, followRedirects, readBytes } from '../outside.ts'
import type { WebClient } from '../ports/web.ts'
import { MatrixError } from '../protocol/errors.ts'
import { webAddress } from './web-address.ts'

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

/** The client over `send`; it names itself, so that a site knows what asks and can refuse. */
export function webClient(send: typeof fetch, publicUrl: string): WebClient {
  const get = askAgainOnce(send)
  const userAgent = `Selvedge (URL previews for a Matrix server; +${publicUrl})`
  return {
    get: (url, accept, signal) =>
      get(url, { headers: { 'user-agent': userAgent, accept }, redirect: 'manual', signal }),
  }
}

/** Follows redirects. @throws MatrixError M_FORBIDDEN, or M_UNKNOWN with 502 */
export async function open(look: Look, start: URL, accept: string): Promise<Found> {
  const ask = (url: URL) =>
    look.web.get(url.href, accept, look.signal).catch(() => {
      throw unreachable()
    })
  const found = await followRedirects(ask, start, (location, base) => {
    const url = webAddress(location, { privateAllowed: look.privateAllowed, base })
    if (url === 'forbidden') throw forbidden()
    if (url === 'invalid') throw unreachable()
    return url
  })
  if (found?.response.ok) return found
  if (found !== undefined) await discard(found.response)
  throw unreachable()
}

/** The first `limit` bytes, and whether that is all. @throws MatrixError M_UNKNOWN with 502 */
export function readPart(response: Response, limit: number): ReturnType<typeof readBytes> {
  return readBytes(response, limit).catch(() => {
    throw unreachable()
  })
}

/** The media type without its parameters. */
export function typeOf({ headers }: Response): string {
  return (headers.get('content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase()
}

export function forbidden(): MatrixError {
  return new MatrixError('M_FORBIDDEN', 'The server does not look at that address')
}

/** The reason is not told: it would say what a network has inside. */
export function unreachable(): MatrixError {
  return new MatrixError('M_UNKNOWN', 'Nothing could be read at that address', { status: 502 })
}
