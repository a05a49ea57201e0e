/** Bytes for a client: whole, a part of them, or word that it has them already (RFC 9110). */
import { judge, rangeOf } from '../../src/media/conditions.ts'
import { mediaHeaders } from '../../src/media/headers.ts'
import { unknownMedia } from '../../src/media/uploads.ts'
import { type ByteRange, wholeRange } from '../../src/ports/media.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppContext } from '../app-env.ts'

export interface Servable {
  contentType: string
  fileName?: string | undefined
  /** Bytes. */
  size: number
  etag: string
  /** ms since the epoch. */
  modified: number
  read(range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>
}

/** @throws MatrixError M_NOT_FOUND, M_UNKNOWN with 412 */
export async function answerWith(c: AppContext, servable: Servable): Promise<Response> {
  const { contentType, fileName, size, etag, modified, read } = servable
  const header = (name: string) => c.req.header(name)
  const headers = {
    ...mediaHeaders(contentType, fileName),
    ETag: etag,
    'Last-Modified': new Date(modified).toUTCString(),
  }
  const verdict = judge(header, servable)
  if (verdict === 'known') return new Response(null, { status: 304, headers })
  if (verdict === 'other')
    throw new MatrixError(
      'M_UNKNOWN',
      'The media is not in the state that If-Match or If-Unmodified-Since names',
      {
        status: 412,
      },
    )
  const whole = { ...headers, 'Content-Length': String(size) }
  // §14.2: ranges are of GET alone.
  if (c.req.raw.method === 'HEAD') return new Response(null, { headers: whole })
  const range = rangeOf(header, servable)
  if (range === 'unsatisfiable') {
    return new Response(null, { status: 416, headers: { 'Content-Range': `bytes */${size}` } })
  }
  const body = await read(range ?? wholeRange(size))
  if (body === undefined) throw unknownMedia()
  // As it is announced: a client may leave before the end.
  c.var.ports.metrics.count('media_bytes_total', { direction: 'downloaded' }, range?.length ?? size)
  if (range === undefined) return new Response(body, { headers: whole })
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
