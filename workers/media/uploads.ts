/** Client-Server API §Content Repository, uploading: the body is streamed to where it is kept. */
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { contentTypeOf } from '../../src/media/headers.ts'
import { reserveUpload, type Upload, upload, uploadReserved } from '../../src/media/uploads.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppEnv } from '../app-env.ts'
import { accessToken } from '../middleware/access-token.ts'
import { validate } from '../middleware/validate.ts'
import { MediaPlace } from './params.ts'

const Named = z.object({ filename: z.string().max(255).optional() })

export const uploads = new Hono<AppEnv>()

uploads.post('/upload', accessToken, validate({ query: Named }), async (c) => {
  const mediaId = await toItsEnd(c, upload(c.var.ports, uploadOf(c, c.req.valid('query').filename)))
  return c.json({ content_uri: mxc(c, mediaId) })
})

uploads.put(
  '/upload/:serverName/:mediaId',
  accessToken,
  validate({ param: MediaPlace, query: Named }),
  async (c) => {
    const { serverName, mediaId } = c.req.valid('param')
    if (serverName !== c.var.ports.config.serverName) {
      throw new MatrixError('M_NOT_FOUND', 'This media ID is of another server')
    }
    await toItsEnd(c, uploadReserved(c.var.ports, mediaId, uploadOf(c, c.req.valid('query').filename)))
    return c.json({})
  },
)

/** At `v1` alone. */
export const creation = new Hono<AppEnv>()

creation.post('/create', accessToken, async (c) => {
  const { mediaId, expiresAt } = await reserveUpload(c.var.ports, c.var.session.userId)
  return c.json({ content_uri: mxc(c, mediaId), unused_expires_at: expiresAt })
})

/** A client that goes away must leave neither a claimed id nor bytes that nobody counted. */
function toItsEnd<T>(c: Context<AppEnv>, work: Promise<T>): Promise<T> {
  c.executionCtx.waitUntil(work.catch(() => undefined))
  return work
}

function mxc(c: Context<AppEnv>, mediaId: string): string {
  return `mxc://${c.var.ports.config.serverName}/${mediaId}`
}

function uploadOf(c: Context<AppEnv>, fileName: string | undefined): Upload {
  const declared = c.req.header('content-length')
  return {
    facts: {
      owner: c.var.session.userId,
      contentType: contentTypeOf(c.req.header('content-type')),
      ...(fileName !== undefined && { fileName }),
    },
    body: c.req.raw.body,
    length: declared === undefined ? undefined : Number(declared),
  }
}
