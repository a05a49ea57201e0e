/** Client-Server API §Content Repository, previews of URLs. */
import { Hono } from 'hono'
import * as z from 'zod'
import { previewOf } from '../../src/media/preview.ts'
import type { AppEnv } from '../app-env.ts'
import { Count } from '../client/params.ts'
import { endpoint } from '../middleware/endpoint.ts'

/** "The server may return a newer version": it has at most one, of the last hour. */
const Asked = z.object({ url: z.string().min(1), ts: Count.optional() })

/** Below `/_matrix/client/v1/media`, and below `/_matrix/media` for old clients. */
export const previews = new Hono<AppEnv>()

previews.get(
  '/preview_url',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: true,
    limit: 'preview',
    served: ({ urlPreviews }) => urlPreviews,
    query: Asked,
  }),
  async (c) => {
    const look = previewOf(c.var.ports, c.req.valid('query').url, c.var.requester.userId)
    // A client that goes away must not leave a picture that is counted and not there, or the other way round.
    c.executionCtx.waitUntil(look.catch(() => undefined))
    return c.json(await look)
  },
)
