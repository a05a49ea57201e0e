/** Joining, inviting, leaving and the rest: Client-Server API §Room membership. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { MembershipRequest } from '../../../src/objects/room/send.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { asGiven } from '../../../src/protocol/json-schemas.ts'
import type { Profile } from '../../../src/protocol/profile.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { bodyHasFloats, jsonObject } from '../../middleware/validate.ts'
import { InRoom, RoomAlias, RoomId, UserId } from '../params.ts'
import { inviteElsewhere } from './elsewhere/invite.ts'
import { joinElsewhere } from './elsewhere/join.ts'
import { knockElsewhere } from './elsewhere/knock.ts'
import { leaveElsewhere } from './elsewhere/leave.ts'
import { type NamedRoom, namedRoom, placeOf, viaIn } from './elsewhere/places.ts'
import { requireTakesInvites } from './invite-permission.ts'
import { roomsJoinedOf, vouchingServers } from './restricted-rooms.ts'

const Reason = z.object({ reason: z.string().optional() })
const Target = Reason.extend({ user_id: UserId })
/** By user ID, or by a third party's address. */
const Invitee = Reason.extend({ user_id: UserId.optional(), address: z.string().optional() })
const RoomOrAlias = z.object({ room: z.union([RoomId, RoomAlias]) })
const JoinBody = asGiven(Reason, jsonObject)

export const membership = new Hono<AppEnv>()

membership.get(
  '/joined_rooms',
  endpoint({ auth: 'claims', guests: true, suspended: true, limit: 'read' }),
  async (c) => {
    const { objects, requester } = c.var
    return c.json({ joined_rooms: await objects.user(requester.userId).joinedRooms(requester.session) })
  },
)

membership.post(
  '/rooms/:roomId/join',
  endpoint({
    auth: 'device',
    guests: true,
    suspended: false,
    limit: 'join',
    param: InRoom,
    json: JoinBody,
    bodyOptional: true,
  }),
  async (c) => {
    const { roomId } = c.req.valid('param')
    return c.json(await join(c, { roomId, servers: viaIn(c) }, c.req.valid('json')))
  },
)

membership.post(
  '/join/:room',
  endpoint({
    auth: 'device',
    guests: true,
    suspended: false,
    limit: 'join',
    param: RoomOrAlias,
    json: JoinBody,
    bodyOptional: true,
  }),
  async (c) => {
    const named = await namedRoom(c, c.req.valid('param').room)
    return c.json(await join(c, named, c.req.valid('json')))
  },
)

membership.post(
  '/knock/:room',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: false,
    limit: 'join',
    param: RoomOrAlias,
    json: Reason,
    bodyOptional: true,
  }),
  async (c) => {
    const named = await namedRoom(c, c.req.valid('param').room)
    const { roomId } = named
    const { userId } = c.var.requester
    const { reason } = c.req.valid('json')
    const [profile, place] = await Promise.all([c.var.objects.servers.profileOf(userId), placeOf(c, named)])
    if (place.isElsewhere) await knockElsewhere(c, place, memberContent(profile, reason))
    else await change(c, roomId, { target: userId, action: 'knock', profile, reason })
    return c.json({ room_id: roomId })
  },
)

membership.post(
  '/rooms/:roomId/invite',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: false,
    limit: 'invite',
    param: InRoom,
    json: Invitee,
  }),
  async (c) => {
    const { user_id: target, address, reason } = c.req.valid('json')
    if (target === undefined) throw noUserId(address)
    const { servers } = c.var.objects
    if (servers.federates && !servers.owns(target)) {
      await inviteElsewhere(c, c.req.valid('param').roomId, { target, reason })
      return c.json({})
    }
    servers.requireReachable(target)
    const [profile] = await Promise.all([servers.profileOf(target), requireTakesInvites(c, target)])
    await change(c, c.req.valid('param').roomId, { target, action: 'invite', profile, reason })
    return c.json({})
  },
)

membership.post(
  '/rooms/:roomId/leave',
  endpoint({
    auth: 'device',
    guests: true,
    suspended: true,
    limit: 'write',
    param: InRoom,
    json: Reason,
    bodyOptional: true,
  }),
  async (c) => {
    const { reason } = c.req.valid('json')
    const { roomId } = c.req.valid('param')
    if (await leaveElsewhere(c, { roomId, servers: viaIn(c) }, reason)) return c.json({})
    await change(c, roomId, { target: c.var.requester.userId, action: 'leave', reason })
    return c.json({})
  },
)

for (const action of ['kick', 'ban', 'unban'] as const) {
  membership.post(
    `/rooms/:roomId/${action}`,
    endpoint({
      auth: 'device',
      guests: false,
      suspended: false,
      limit: 'write',
      param: InRoom,
      json: Target,
    }),
    async (c) => {
      const { user_id: target, reason } = c.req.valid('json')
      await change(c, c.req.valid('param').roomId, { target, action, reason })
      return c.json({})
    },
  )
}

function noUserId(address: string | undefined): MatrixError {
  if (address === undefined) return new MatrixError('M_MISSING_PARAM', 'user_id is missing')
  return new MatrixError('M_FORBIDDEN', 'This server knows no identity server: invite by user ID')
}

async function change(c: UserContext, roomId: string, request: Omit<MembershipRequest, 'sender'>) {
  await c.var.objects.room(roomId).changeMembership({ sender: c.var.requester.userId, ...request })
}

async function join(c: UserContext, named: NamedRoom, body: JsonObject & { reason?: string }) {
  const { userId, kind } = c.var.requester
  const { roomId } = named
  const [profile, place] = await Promise.all([c.var.objects.servers.profileOf(userId), placeOf(c, named)])
  const { reason, ...content } = body
  const extra = ownContent(content)
  const viaOthers = (servers: readonly string[]) =>
    joinElsewhere(c, { roomId, servers }, { ...extra, ...memberContent(profile, reason) })
  if (place.isElsewhere) {
    await viaOthers(place.servers)
    return { room_id: roomId }
  }
  try {
    await change(c, roomId, {
      target: userId,
      action: 'join',
      reason,
      profile,
      guest: kind === 'guest',
      content: extra,
      hasFloats: bodyHasFloats(c),
      joinedAllowRooms: await roomsJoinedOf(c, place.rule),
    })
  } catch (error) {
    const others = await vouchingServers(c, place, error)
    if (others.length === 0) throw error
    // Of servers that do not let the user in either, the refusal here says the most.
    await viaOthers(others).catch((failure: unknown) => {
      throw failure instanceof MatrixError ? error : failure
    })
  }
  return { room_id: roomId }
}

/** What the user says of themselves in their own member event. */
function memberContent(profile: Profile, reason: string | undefined): JsonObject {
  return { ...profile, ...(reason !== undefined && { reason }) }
}

/** What the room writes into a member event itself, or what means something else in the body of a join. */
const RESERVED = new Set(['membership', 'kind', 'third_party_signed', 'join_authorised_via_users_server'])

function ownContent(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([key]) => !RESERVED.has(key)))
}
