/** Client-Server API §Content Repository, uploading: the body is streamed to where it is kept. */
import { Hono } from 'hono'
import * as z from 'zod'
import { contentTypeOf } from '../../src/media/headers.ts'
import { reserveUpload, type Upload, upload, uploadReserved } from '../../src/media/uploads.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppContext, AppEnv, UserContext } from '../app-env.ts'
import { PacedBody } from '../middleware/bodies/slow-bodies.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { MediaPlace } from './params.ts'

const Named = z.object({ filename: z.string().max(255).optional() })

export const uploads = new Hono<AppEnv>()

uploads.post(
  '/upload',
  endpoint({ auth: 'device', guests: false, suspended: false, limit: 'upload', query: Named }),
  async (c) => {
    const mediaId = await take(c, c.req.valid('query').filename, (given) => upload(c.var.ports, given))
    return c.json({ content_uri: mxc(c, mediaId) })
  },
)

uploads.put(
  '/upload/:serverName/:mediaId',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: false,
    limit: 'upload',
    param: MediaPlace,
    query: Named,
  }),
  async (c) => {
    const { serverName, mediaId } = c.req.valid('param')
    if (!c.var.objects.servers.isThis(serverName)) {
      throw new MatrixError('M_NOT_FOUND', 'This media ID belongs to another server')
    }
    const { filename } = c.req.valid('query')
    await take(c, filename, (given) => uploadReserved(c.var.ports, mediaId, given))
    return c.json({})
  },
)

/** At `v1` alone. */
export const creation = new Hono<AppEnv>()

creation.post(
  '/create',
  endpoint({ auth: 'device', guests: false, suspended: false, limit: 'reservation' }),
  async (c) => {
    const { mediaId, expiresAt } = await reserveUpload(c.var.ports, c.var.requester.userId)
    return c.json({ content_uri: mxc(c, mediaId), unused_expires_at: expiresAt })
  },
)

/** A client that goes away must leave neither a claimed id nor uncounted bytes: what was begun is ended. */
function take<T>(
  c: UserContext,
  fileName: string | undefined,
  store: (given: Upload) => Promise<T>,
): Promise<T> {
  const { body: sent } = c.req.raw
  const body = sent && new PacedBody(sent, c.var.ports.config.bodyTimeoutMs)
  const declared = c.req.header('content-length')
  const work = store({
    facts: {
      owner: c.var.requester.userId,
      contentType: contentTypeOf(c.req.header('content-type')),
      ...(fileName !== undefined && { fileName }),
    },
    body: body?.stream ?? null,
    length: declared === undefined ? undefined : Number(declared),
  }).catch((error) => {
    // The reason lost its class on its way through the storage.
    throw body?.failure ?? error
  })
  c.executionCtx.waitUntil(work.catch(() => undefined))
  return work
}

function mxc(c: AppContext, mediaId: string): string {
  return `mxc://${c.var.ports.config.serverName}/${mediaId}`
}
