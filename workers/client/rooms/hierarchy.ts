/** The rooms of a space: Client-Server API §Spaces, `GET /hierarchy`. */
import { Hono } from 'hono'
import * as z from 'zod'
import { type WalkRequest, walkSpace } from '../../../src/directory/hierarchy.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { readPageToken, writePageToken } from '../page-token.ts'
import { Count, Flag, InRoom, RoomId } from '../params.ts'
import { summariesFor } from './room-access.ts'

const MAX_ROOMS = 50
const MAX_DEPTH = 20

const Query = z.object({
  suggested_only: Flag.optional(),
  max_depth: Count.optional(),
  limit: Count.refine((limit) => limit > 0, 'must be positive').default(MAX_ROOMS),
  from: z.string().min(1).optional(),
})

/** What may not change between pages, and where the last one ended. */
const Place = z.object({
  root: RoomId,
  suggestedOnly: z.boolean(),
  maxDepth: z.int().min(0).max(MAX_DEPTH),
  path: z.array(RoomId).max(MAX_DEPTH),
  /** One after the other: all marks are of one length. */
  visited: z.string().regex(/^([\w-]{8})*$/),
})

export const hierarchy = new Hono<AppEnv>()

hierarchy.get(
  '/rooms/:roomId/hierarchy',
  endpoint({ auth: 'device', guests: true, suspended: true, limit: 'search', param: InRoom, query: Query }),
  async (c) => {
    const request = walkRequest(c.req.valid('param').roomId, c.req.valid('query'))
    const page = await walkSpace(request, summariesFor(c))
    if (page === undefined) throw new MatrixError('M_FORBIDDEN', 'You are not allowed to view this room')
    const rooms = page.rooms.map(({ summary, children }) => ({ ...summary, children_state: children }))
    const { root, suggestedOnly, maxDepth } = request
    const place = page.next && {
      ...{ root, suggestedOnly, maxDepth, path: page.next.path },
      visited: page.next.visited.join(''),
    }
    return c.json({ rooms, next_batch: place && writePageToken(place) })
  },
)

/** "`max_depth` and `suggested_only` cannot be changed from the first request." */
function walkRequest(root: string, query: z.infer<typeof Query>): WalkRequest {
  const limit = Math.min(query.limit, MAX_ROOMS)
  const depth = query.max_depth === undefined ? undefined : Math.min(query.max_depth, MAX_DEPTH)
  if (query.from === undefined) {
    return { root, suggestedOnly: query.suggested_only ?? false, maxDepth: depth ?? MAX_DEPTH, limit }
  }
  const place = readPageToken(Place, query.from)
  const changed =
    place.root !== root ||
    (query.suggested_only ?? place.suggestedOnly) !== place.suggestedOnly ||
    (depth ?? place.maxDepth) !== place.maxDepth
  if (changed) throw new MatrixError('M_INVALID_PARAM', 'from belongs to a request with other parameters')
  const { suggestedOnly, maxDepth, path } = place
  return { root, suggestedOnly, maxDepth, limit, from: { path, visited: place.visited.match(/.{8}/g) ?? [] } }
}
