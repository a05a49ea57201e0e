/** Client-Server API §Content Repository, downloading: with a token, and by ranges where asked. */
import { Hono } from 'hono'
import * as z from 'zod'
import { awaitUpload, unknownMedia } from '../../src/media/uploads.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { answerWith } from './answer.ts'
import { MediaPlace, Patience } from './params.ts'

const NamedPlace = MediaPlace.extend({ fileName: z.string().min(1).max(255) })

/** Below `/_matrix/client/v1/media`. */
export const downloads = new Hono<AppEnv>()

downloads.get('/config', endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read' }), config)

downloads.get(
  '/download/:serverName/:mediaId',
  endpoint({
    auth: 'device',
    guests: true,
    suspended: true,
    limit: 'download',
    param: MediaPlace,
    query: Patience,
  }),
  (c) => download(c, c.req.valid('param'), c.req.valid('query').timeout_ms),
)

downloads.get(
  '/download/:serverName/:mediaId/:fileName',
  endpoint({
    auth: 'device',
    guests: true,
    suspended: true,
    limit: 'download',
    param: NamedPlace,
    query: Patience,
  }),
  (c) => download(c, c.req.valid('param'), c.req.valid('query').timeout_ms),
)

/**
 * The same without a token, below `/_matrix/media`. "Media uploaded after the freeze" is not served there, and all of
 * this server's is: unless the operator opens these for old clients.
 */
export const openDownloads = new Hono<AppEnv>()

openDownloads.get(
  '/config',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read' }),
  config,
)

openDownloads.get(
  '/download/:serverName/:mediaId',
  endpoint({ auth: 'none', limit: 'download', param: MediaPlace, query: Patience }),
  (c) => openDownload(c, c.req.valid('param'), c.req.valid('query').timeout_ms),
)

openDownloads.get(
  '/download/:serverName/:mediaId/:fileName',
  endpoint({ auth: 'none', limit: 'download', param: NamedPlace, query: Patience }),
  (c) => openDownload(c, c.req.valid('param'), c.req.valid('query').timeout_ms),
)

function config(c: AppContext) {
  return c.json({ 'm.upload.size': c.var.ports.config.maxUploadBytes })
}

type Place = z.infer<typeof MediaPlace> & { fileName?: string }

function openDownload(c: AppContext, place: Place, timeoutMs: number): Promise<Response> {
  if (!c.var.ports.config.openMedia) throw unknownMedia()
  return download(c, place, timeoutMs)
}

async function download(c: AppContext, place: Place, timeoutMs: number): Promise<Response> {
  const { ports } = c.var
  if (!c.var.objects.servers.isThis(place.serverName)) throw unknownMedia()
  const stored = await awaitUpload(ports, place.mediaId, timeoutMs)
  return answerWith(c, {
    ...stored,
    fileName: place.fileName ?? stored.fileName,
    read: (range) => ports.media.read(place.mediaId, range),
  })
}
