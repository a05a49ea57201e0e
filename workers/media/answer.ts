/** Bytes for a client: whole, a part of them, or word that it has them already (RFC 9110). */
import type { Context } from 'hono'
import { mediaHeaders, rangeOf } from '../../src/media/headers.ts'
import { unknownMedia } from '../../src/media/uploads.ts'
import type { ByteRange } from '../../src/ports.ts'
import type { AppEnv } from '../app-env.ts'

export interface Servable {
  contentType: string
  fileName?: string | undefined
  /** Bytes. */
  size: number
  etag: string
  read(range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>
}

export async function answerWith(
  c: Context<AppEnv>,
  { contentType, fileName, size, etag, read }: Servable,
): Promise<Response> {
  const headers = { ...mediaHeaders(contentType, fileName), ETag: etag }
  if (c.req.header('if-none-match') === etag) return new Response(null, { status: 304, headers })
  const range = rangeOf(c.req.header('range'), size)
  if (range === 'unsatisfiable') {
    return new Response(null, { status: 416, headers: { 'Content-Range': `bytes */${size}` } })
  }
  const body = await read(range)
  if (body === undefined) throw unknownMedia()
  if (range === undefined) {
    return new Response(body, { headers: { ...headers, 'Content-Length': String(size) } })
  }
  const last = range.offset + range.length - 1
  return new Response(body, {
    status: 206,
    headers: {
      ...headers,
      'Content-Length': String(range.length),
      'Content-Range': `bytes ${range.offset}-${last}/${size}`,
    },
  })
}
