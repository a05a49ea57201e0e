/** Client-Server API §Content Repository, downloading: for whoever has a token, and by ranges where asked. */
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { mediaHeaders, rangeOf } from '../../src/media/headers.ts'
import { awaitUpload, unknownMedia } from '../../src/media/uploads.ts'
import type { StoredMedia } from '../../src/ports.ts'
import type { AppEnv } from '../app-env.ts'
import { Count, Flag } from '../client/params.ts'
import { accessToken } from '../middleware/access-token.ts'
import { validate } from '../middleware/validate.ts'
import { MediaPlace } from './params.ts'

/** "The default value is 20000 (20 seconds)", and no longer than a client waits. */
const DEFAULT_TIMEOUT_MS = 20_000
const MAX_TIMEOUT_MS = 60_000

const Patience = z.object({
  timeout_ms: Count.transform((ms) => Math.min(ms, MAX_TIMEOUT_MS)).default(DEFAULT_TIMEOUT_MS),
  allow_remote: Flag.optional(),
  allow_redirect: Flag.optional(),
})
const NamedPlace = MediaPlace.extend({ fileName: z.string().min(1).max(255) })

/** Below `/_matrix/client/v1/media`. */
export const downloads = new Hono<AppEnv>()

downloads.get('/config', accessToken, config)

downloads.get(
  '/download/:serverName/:mediaId',
  accessToken,
  validate({ param: MediaPlace, query: Patience }),
  (c) => download(c, c.req.valid('param'), c.req.valid('query').timeout_ms),
)

downloads.get(
  '/download/:serverName/:mediaId/:fileName',
  accessToken,
  validate({ param: NamedPlace, query: Patience }),
  (c) => download(c, c.req.valid('param'), c.req.valid('query').timeout_ms),
)

/**
 * The same without a token, below `/_matrix/media`. "Media uploaded after the freeze" is not served there, and all of
 * this server's is: unless the operator opens these for old clients.
 */
export const openDownloads = new Hono<AppEnv>()

openDownloads.get('/config', accessToken, config)

openDownloads.get('/download/:serverName/:mediaId', validate({ param: MediaPlace, query: Patience }), (c) =>
  openDownload(c, c.req.valid('param'), c.req.valid('query').timeout_ms),
)

openDownloads.get(
  '/download/:serverName/:mediaId/:fileName',
  validate({ param: NamedPlace, query: Patience }),
  (c) => openDownload(c, c.req.valid('param'), c.req.valid('query').timeout_ms),
)

function config(c: Context<AppEnv>) {
  return c.json({ 'm.upload.size': c.var.ports.config.maxUploadBytes })
}

type Place = z.infer<typeof MediaPlace> & { fileName?: string }

function openDownload(c: Context<AppEnv>, place: Place, timeoutMs: number): Promise<Response> {
  if (!c.var.ports.config.openMedia) throw unknownMedia()
  return download(c, place, timeoutMs)
}

async function download(c: Context<AppEnv>, place: Place, timeoutMs: number): Promise<Response> {
  const { ports } = c.var
  // There is no way to other servers yet.
  if (place.serverName !== ports.config.serverName) throw unknownMedia()
  const stored = await awaitUpload(ports, place.mediaId, timeoutMs)
  const headers = {
    ...mediaHeaders(stored.contentType, place.fileName ?? stored.fileName),
    ETag: stored.etag,
  }
  if (c.req.header('if-none-match') === stored.etag) return new Response(null, { status: 304, headers })
  return answer(c, place.mediaId, stored, headers)
}

async function answer(
  c: Context<AppEnv>,
  mediaId: string,
  { size }: StoredMedia,
  headers: Record<string, string>,
): Promise<Response> {
  const range = rangeOf(c.req.header('range'), size)
  if (range === 'unsatisfiable') {
    return new Response(null, { status: 416, headers: { 'Content-Range': `bytes */${size}` } })
  }
  const body = await c.var.ports.media.read(mediaId, range)
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
