/** `/_selvedge/admin/media`: takes away an upload of any user. */
import { Hono } from 'hono'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppEnv } from '../app-env.ts'
import { MediaPlace } from '../media/params.ts'
import { endpoint } from '../middleware/endpoint.ts'

/** Below `/_selvedge/admin`. */
export const uploadRemoval = new Hono<AppEnv>()

uploadRemoval.delete(
  '/media/:mediaId',
  endpoint({ auth: 'operator', limit: 'free', param: MediaPlace.pick({ mediaId: true }) }),
  async (c) => {
    const { mediaId } = c.req.valid('param')
    const { media, mediaIndex } = c.var.ports
    const found = await media.find(mediaId)
    // The server's own pictures have no owner, and go by themselves.
    if (found === undefined || found.owner === '') {
      throw new MatrixError('M_NOT_FOUND', `There is no upload ${mediaId}`)
    }
    // The bytes last: where this stops in between, it can be asked for again.
    await mediaIndex.remove(mediaId)
    await media.remove(mediaId)
    return c.json({ media_id: mediaId, owner: found.owner })
  },
)
