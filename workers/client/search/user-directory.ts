/** Finding people, and the rooms shared with them: Client-Server API §User directory, §Mutual Rooms. */
import { Hono } from 'hono'
import * as z from 'zod'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { isNewLocalpart, localpartOf } from '../../../src/protocol/identifiers.ts'
import { fold } from '../../../src/protocol/matching/fold.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { readPageToken, writePageToken } from '../page-token.ts'
import { RoomId, UserId } from '../params.ts'

const MAX_FOUND = 50
const MAX_WORDS = 10
/** Characters of what is searched for. */
const MAX_TERM = 1_024
const MUTUAL_PAGE = 100

const Search = z.object({ search_term: z.string().max(MAX_TERM), limit: z.int().min(0).default(10) })
const Mutual = z.object({ user_id: UserId, from: z.string().min(1).optional() })
/** MSC2666 before it was accepted. */
const UnstableMutual = z.object({ user_id: UserId, batch_token: z.string().min(1).optional() })

export const userDirectory = new Hono<AppEnv>()

userDirectory.post(
  '/user_directory/search',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'search', json: Search }),
  async (c) => {
    const { search_term: term, limit: asked } = c.req.valid('json')
    const words = fold(term)
      .split(/\s+/)
      .filter((word) => word !== '')
      .slice(0, MAX_WORDS)
    if (words.length === 0) return c.json({ results: [], limited: false })
    const limit = Math.min(asked, MAX_FOUND)
    const search = { viewer: c.var.requester.userId, words, limit: limit + 1 }
    const found = await c.var.ports.directory.users(search)
    const results = found.slice(0, limit).map(({ userId, displayName, avatarUrl }) => ({
      user_id: userId,
      display_name: displayName,
      avatar_url: avatarUrl,
    }))
    return c.json({ results, limited: found.length > limit })
  },
)

export const mutualRooms = new Hono<AppEnv>()

mutualRooms.get(
  '/mutual_rooms',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'search', query: Mutual }),
  async (c) => {
    const { user_id: userId, from } = c.req.valid('query')
    const { joined, count, next } = await mutual(c, userId, from)
    return c.json({ joined, count, next_batch: next })
  },
)

export const unstableMutualRooms = new Hono<AppEnv>()

unstableMutualRooms.get(
  '/uk.half-shot.msc2666/user/mutual_rooms',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'search', query: UnstableMutual }),
  async (c) => {
    const { user_id: userId, batch_token: from } = c.req.valid('query')
    const { joined, count, next } = await mutual(c, userId, from)
    return c.json({ joined, count, next_batch_token: next })
  },
)

async function mutual(c: UserContext, userId: string, from: string | undefined) {
  const own = c.var.requester.userId
  if (userId === own) throw new MatrixError('M_INVALID_PARAM', 'user_id must be another user')
  if (!isNewLocalpart(localpartOf(userId))) {
    throw new MatrixError('M_INVALID_PARAM', 'user_id must follow the grammar of new user IDs')
  }
  const after = from === undefined ? undefined : readPageToken(RoomId, from)
  const page = { after, limit: MUTUAL_PAGE + 1 }
  const { rooms, total } = await c.var.ports.directory.mutualRooms([own, userId], page)
  const joined = rooms.slice(0, MUTUAL_PAGE)
  const next = rooms.length > MUTUAL_PAGE ? writePageToken(joined.at(-1)) : undefined
  return { joined, count: total, next }
}
