/** Reading a room: its history, one event, its members. Client-Server API §Getting events for a room. */
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { MatrixError } from '../../src/protocol/errors.ts'
import { parseRoomEventFilter, type RoomEventFilter } from '../../src/protocol/filter.ts'
import type { AppEnv } from '../app-env.ts'
import { accessToken } from '../middleware/access-token.ts'
import { validate } from '../middleware/validate.ts'
import { Count, EventId, InRoom } from './params.ts'

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 1000

const Membership = z.enum(['join', 'invite', 'knock', 'leave', 'ban'])

const MessagesQuery = z.object({
  dir: z.enum(['b', 'f']),
  from: z.string().min(1).optional(),
  to: z.string().min(1).optional(),
  limit: Count.transform((limit) => Math.min(limit, MAX_LIMIT)).default(DEFAULT_LIMIT),
  filter: z.string().optional(),
})

const MembersQuery = z.object({
  at: z.string().min(1).optional(),
  membership: Membership.optional(),
  not_membership: Membership.optional(),
})

export const timeline = new Hono<AppEnv>()

timeline.get(
  '/rooms/:roomId/messages',
  accessToken,
  validate({ param: InRoom, query: MessagesQuery }),
  async (c) => {
    const { roomId } = c.req.valid('param')
    const { dir, limit, ...query } = c.req.valid('query')
    const from = await position(c, roomId, query.from)
    const to = await position(c, roomId, query.to)
    const filter = parseInlineFilter(query.filter)
    const room = c.var.objects.room(roomId)
    return c.json(await room.messages({ viewer: c.var.session, dir, from, to, limit, filter }))
  },
)

timeline.get(
  '/rooms/:roomId/event/:eventId',
  accessToken,
  validate({ param: InRoom.extend({ eventId: EventId }) }),
  async (c) => {
    const { roomId, eventId } = c.req.valid('param')
    return c.json(await c.var.objects.room(roomId).event(c.var.session, eventId))
  },
)

timeline.get(
  '/rooms/:roomId/members',
  accessToken,
  validate({ param: InRoom, query: MembersQuery }),
  async (c) => {
    const { roomId } = c.req.valid('param')
    const { membership, not_membership: notMembership, ...query } = c.req.valid('query')
    const at = await position(c, roomId, query.at)
    const room = c.var.objects.room(roomId)
    return c.json({ chunk: await room.members(c.var.session.userId, { at, membership, notMembership }) })
  },
)

timeline.get('/rooms/:roomId/joined_members', accessToken, validate({ param: InRoom }), async (c) => {
  const room = c.var.objects.room(c.req.valid('param').roomId)
  return c.json({ joined: await room.joinedMembers(c.var.session.userId) })
})

/** Sync tokens are accepted wherever a place in a room is: the User object knows where they stand. */
async function position(c: Context<AppEnv>, roomId: string, token: string | undefined) {
  if (!token?.startsWith('s')) return token
  const { objects, session } = c.var
  return objects.user(session.userId).positionOf(session, token, roomId)
}

function parseInlineFilter(text: string | undefined): RoomEventFilter | undefined {
  if (text === undefined) return undefined
  let filter: unknown
  try {
    filter = JSON.parse(text)
  } catch {
    throw new MatrixError('M_NOT_JSON', 'filter: not JSON')
  }
  return parseRoomEventFilter(filter)
}
