/** Client-Server API §Content Repository, thumbnails: with a token, and without one where the operator opens that. */
import { Hono } from 'hono'
import * as z from 'zod'
import { askingUser } from '../../src/accounts/requester.ts'
import { type Asker, thumbnailOf } from '../../src/media/thumbnails.ts'
import { awaitUpload, unknownMedia } from '../../src/media/uploads.ts'
import { type AppContext, type AppEnv, requesterIn } from '../app-env.ts'
import { Count, Flag } from '../client/params.ts'
import { clientNetwork } from '../middleware/client-address.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { countPicture } from '../middleware/rate-limit.ts'
import { answerWith } from './answer.ts'
import { MediaPlace, Patience } from './params.ts'

const Pixels = Count.refine((pixels) => pixels > 0, 'not a size')

const Wish = Patience.extend({
  width: Pixels,
  height: Pixels,
  method: z.enum(['crop', 'scale']).default('scale'),
  animated: Flag.default(false),
})

/** Below `/_matrix/client/v1/media`. */
export const thumbnails = new Hono<AppEnv>()

thumbnails.get(
  '/thumbnail/:serverName/:mediaId',
  endpoint({
    auth: 'device',
    guests: true,
    suspended: true,
    limit: 'thumbnail',
    param: MediaPlace,
    query: Wish,
  }),
  (c) => thumbnail(c, c.req.valid('param'), c.req.valid('query')),
)

/** Below `/_matrix/media`: see `openDownloads`. */
export const openThumbnails = new Hono<AppEnv>()

openThumbnails.get(
  '/thumbnail/:serverName/:mediaId',
  endpoint({ auth: 'none', limit: 'thumbnail', param: MediaPlace, query: Wish }),
  (c) => {
    if (!c.var.ports.config.openMedia) throw unknownMedia()
    return thumbnail(c, c.req.valid('param'), c.req.valid('query'))
  },
)

/** Clients without a session are told apart by where they come from. */
function asker(c: AppContext): Asker {
  return { name: askingUser(requesterIn(c)) ?? clientNetwork(c), pay: () => countPicture(c) }
}

async function thumbnail(
  c: AppContext,
  { serverName, mediaId }: z.infer<typeof MediaPlace>,
  wish: z.infer<typeof Wish>,
): Promise<Response> {
  const { ports } = c.var
  if (!c.var.objects.servers.isThis(serverName)) throw unknownMedia()
  const stored = await awaitUpload(ports, mediaId, wish.timeout_ms)
  const made = await thumbnailOf(ports, { mediaId, size: stored.size }, wish, asker(c))
  if (!('original' in made)) return answerWith(c, made)
  const { size, etag, modified } = stored
  // Whatever type its uploader gave it.
  const contentType = made.original
  return answerWith(c, {
    contentType,
    size,
    etag,
    modified,
    read: (range) => ports.media.read(mediaId, range),
  })
}
