/** Reading a room: its history, one event, its members. Client-Server API §Getting events for a room. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { RoomGateway } from '../../../durable-objects/gate.ts'
import { backfill } from '../../../src/federation/inbound/backfill.ts'
import type { StateCursor } from '../../../src/objects/room/state.ts'
import type { JsonObject, JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import type { AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { stateSlices, streamJson } from '../../stream-json.ts'
import { EventId, InRoom } from '../params.ts'
import { ignoredBy, limitOf, parseInlineFilter, position } from './reading.ts'

const DEFAULT_LIMIT = 10

const Membership = z.enum(['join', 'invite', 'knock', 'leave', 'ban'])

const MessagesQuery = z.object({
  // Required, but other servers read forwards without it, and old clients count on that.
  dir: z.enum(['b', 'f']).default('f'),
  from: z.string().min(1).optional(),
  to: z.string().min(1).optional(),
  limit: limitOf(DEFAULT_LIMIT),
  filter: z.string().optional(),
})

const ContextQuery = z.object({ limit: limitOf(DEFAULT_LIMIT), filter: z.string().optional() })

const MembersQuery = z.object({
  at: z.string().min(1).optional(),
  membership: Membership.optional(),
  not_membership: Membership.optional(),
})

export const timeline = new Hono<AppEnv>()

timeline.get(
  '/rooms/:roomId/messages',
  endpoint({
    auth: 'device',
    guests: true,
    suspended: true,
    limit: 'read',
    param: InRoom,
    query: MessagesQuery,
  }),
  async (c) => {
    const { roomId } = c.req.valid('param')
    const { dir, limit, ...query } = c.req.valid('query')
    const filter = parseInlineFilter(query.filter)
    const places = [position(c, roomId, query.from), position(c, roomId, query.to)]
    const [ignored, from, to] = await Promise.all([ignoredBy(c), ...places])
    const room = c.var.objects.room(roomId)
    const request = { viewer: c.var.requester.session, dir, from, to, limit, filter, ignored }
    const { missing, ...page } = await room.messages(request)
    if (missing === undefined || !c.var.ports.config.federation.on) return c.json(page)
    if (!(await backfill(c.var.ports, room, { roomId, missing }))) return c.json(page)
    const { missing: _, ...filled } = await room.messages(request)
    return c.json(filled)
  },
)

timeline.get(
  '/rooms/:roomId/context/:eventId',
  endpoint({
    auth: 'device',
    guests: true,
    suspended: true,
    limit: 'read',
    param: InRoom.extend({ eventId: EventId }),
    query: ContextQuery,
  }),
  async (c) => {
    const { roomId, eventId } = c.req.valid('param')
    const { limit, ...query } = c.req.valid('query')
    const filter = parseInlineFilter(query.filter)
    const ignored = await ignoredBy(c)
    const room = c.var.objects.room(roomId)
    const asked = { viewer: c.var.requester.session, eventId, limit, filter, ignored }
    const { state: request, ...answer } = await room.context(asked)
    const state: JsonValue[] = []
    const rest = new Map(request && [[state, () => stateSlices(room, request)]])
    return streamJson({ ...answer, state } as unknown as JsonObject, rest)
  },
)

timeline.get(
  '/rooms/:roomId/event/:eventId',
  endpoint({
    auth: 'device',
    guests: true,
    suspended: true,
    limit: 'read',
    param: InRoom.extend({ eventId: EventId }),
  }),
  async (c) => {
    const { roomId, eventId } = c.req.valid('param')
    // The reader asked for this event itself, but not for what its aggregations tell of others.
    const ignored = await ignoredBy(c)
    return c.json(await c.var.objects.room(roomId).event(c.var.requester.session, eventId, ignored))
  },
)

timeline.get(
  '/rooms/:roomId/members',
  endpoint({
    auth: 'device',
    guests: true,
    suspended: true,
    limit: 'read',
    param: InRoom,
    query: MembersQuery,
  }),
  async (c) => {
    const { roomId } = c.req.valid('param')
    const { membership, not_membership: notMembership, ...query } = c.req.valid('query')
    const { objects, requester } = c.var
    const [at] = await Promise.all([
      position(c, roomId, query.at),
      objects.user(requester.userId).membersLoaded(requester.session, roomId),
    ])
    const request = {
      viewer: c.var.requester.userId,
      at,
      only: 'm.room.member',
      membership,
      notMembership,
    } as const
    const chunk: JsonValue[] = []
    const slices = () => stateSlices(c.var.objects.room(roomId), request)
    return streamJson({ chunk }, new Map([[chunk, slices]]))
  },
)

timeline.get(
  '/rooms/:roomId/joined_members',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read', param: InRoom }),
  async (c) => {
    const room = c.var.objects.room(c.req.valid('param').roomId)
    const joined: JsonObject = {}
    const slices = () => joinedSlices(room, c.var.requester.userId)
    return streamJson({ joined }, new Map([[joined, slices]]))
  },
)

async function* joinedSlices(room: RoomGateway, userId: string) {
  let cursor: StateCursor | undefined
  do {
    const { joined, next } = await room.joinedMembers(userId, cursor)
    yield Object.entries(joined)
    cursor = next
  } while (cursor !== undefined)
}
