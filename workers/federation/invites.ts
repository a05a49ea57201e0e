/** Server-Server API §Inviting to a room: invites that other servers send to users of this one. */
import { Hono } from 'hono'
import * as z from 'zod'
import { takeEvents } from '../../src/federation/inbound/transaction.ts'
import {
  checkInvite,
  checkInviteState,
  type IncomingInvite,
} from '../../src/federation/membership/incoming-invite.ts'
import type { MembershipChange } from '../../src/objects/user/sync.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { JsonObject, JsonValue } from '../../src/protocol/events/canonical-json.ts'
import { type Pdu, strippedEvent } from '../../src/protocol/events/event.ts'
import { parseExactJson } from '../../src/protocol/events/exact-json.ts'
import { signedAlso } from '../../src/protocol/federation/more-signatures.ts'
import { isEventId, isRoomId } from '../../src/protocol/identifiers.ts'
import { roomVersion } from '../../src/protocol/rooms/room-version.ts'
import { toldState } from '../../src/protocol/rooms/told-state.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { jsonObject } from '../middleware/validate.ts'
import { federates } from './served.ts'

/** Below `/_matrix/federation`. */
export const invites = new Hono<AppEnv>()

/** Stripped state has about ten events. */
const MOST_STATE = 100

const Invited = z.object({
  roomId: z.string().refine(isRoomId, 'not a room ID'),
  eventId: z.string().refine(isEventId, 'not an event ID'),
})
const Invite = z.object({
  event: jsonObject,
  room_version: z.string(),
  invite_room_state: z.array(z.unknown()).max(MOST_STATE).optional(),
})

const row = { auth: 'server', limit: 'federation', served: federates, param: Invited } as const

invites.put('/v2/invite/:roomId/:eventId', endpoint({ ...row, json: Invite }), async (c) => {
  const { roomId, eventId } = c.req.valid('param')
  const rules = rulesOf(c.req.valid('json').room_version)
  const { event, invite_room_state: told = [] } = c.var.exactBody as {
    event: JsonObject
    invite_room_state?: JsonValue[]
  }
  const invite = { origin: c.var.requester.origin, roomId, eventId, rules, event }
  return answer(c, `{"event":${await accept(c, invite, told)}}`)
})

/**
 * "This API assumes that the room version is 1 or 2", which this server does not know. Servers send invites to rooms of later
 * versions by the newer one.
 */
invites.put('/v1/invite/:roomId/:eventId', endpoint({ ...row, json: jsonObject }), () => {
  throw incompatible('1')
})

/** The invite's JSON, signed by this server as well. */
async function accept(c: AppContext, invite: IncomingInvite, told: readonly JsonValue[]): Promise<string> {
  const { objects, ports } = c.var
  const { roomId, origin, rules } = invite
  const { eventId, pdu, json, target } = await checkInvite(invite, ports.keyRing)
  if (!objects.servers.owns(target)) {
    throw new MatrixError('M_INVALID_PARAM', `${target} is not a user of this server`)
  }
  const [permission, isEvent] = await Promise.all([
    objects.user(target).invitePermission(pdu.sender),
    isHere(c, roomId, origin),
    checkInviteState(told, invite, ports.keyRing),
  ])
  if (permission === 'block') {
    throw new MatrixError('M_INVITE_BLOCKED', `${target} does not want this invite`)
  }
  const { serverName, signingKeys } = ports.config
  const signed = signedAlso(json, rules, { serverName, key: signingKeys[0]! })
  if (isEvent) await receive(c, invite, eventId, signed)
  else await tell(c, { roomId, eventId, pdu, target }, told)
  return signed
}

/** Whether the Room here knows how the room is now. @throws MatrixError M_FORBIDDEN where it keeps the server out */
async function isHere(c: AppContext, roomId: string, origin: string): Promise<boolean> {
  const room = c.var.objects.room(roomId)
  try {
    const [{ allowed }, { elsewhere }] = await Promise.all([room.federationFacts(origin), room.joinRule()])
    if (elsewhere.length > 0) return false
    if (!allowed) throw new MatrixError('M_FORBIDDEN', `${origin} may not take part in this room`)
    return true
  } catch (error) {
    if (error instanceof MatrixError && error.errcode === 'M_NOT_FOUND') return false
    throw error
  }
}

/** The invite is an event of a room that is here, and goes the way of those. */
async function receive(
  c: AppContext,
  { origin }: IncomingInvite,
  eventId: string,
  json: string,
): Promise<void> {
  const { objects, ports } = c.var
  const inbound = {
    ports,
    room: (roomId: string) => objects.room(roomId),
    user: (userId: string) => objects.user(userId),
  }
  const { results } = await takeEvents(inbound, origin, [parseExactJson(json) as JsonObject])
  const error = results[eventId]?.error
  if (error !== undefined) throw new MatrixError('M_FORBIDDEN', `The room does not take the invite: ${error}`)
}

/** No Room tells the user of it, so the user is told here. */
async function tell(
  c: AppContext,
  { roomId, eventId, pdu, target }: { roomId: string; eventId: string; pdu: Pdu; target: string },
  told: readonly JsonValue[],
): Promise<void> {
  const own = strippedEvent(pdu)
  const others = toldState(told).filter(({ type, state_key: key }) => type !== own.type || key !== target)
  const { objects, ports } = c.var
  const change: MembershipChange = {
    roomId,
    pos: 0,
    outside: true,
    membership: 'invite',
    unchanged: false,
    eventId,
    sender: pdu.sender,
    strippedState: [...others, own],
    at: ports.clock.now(),
  }
  try {
    await objects.user(target).membershipChanged(change)
  } catch (error) {
    if (error instanceof MatrixError && error.errcode === 'M_LIMIT_EXCEEDED')
      ports.metrics.count('federation_bounds_total', { bound: 'invites' })
    throw error
  }
}

function rulesOf(version: string) {
  const rules = roomVersion(version)
  if (rules === undefined) throw incompatible(version)
  return rules
}

function incompatible(version: string): MatrixError {
  return new MatrixError('M_INCOMPATIBLE_ROOM_VERSION', `This server does not know room version ${version}`, {
    extra: { room_version: version },
  })
}

/** As text, in which no number of the event is lost. */
function answer(c: AppContext, json: string): Response {
  return c.body(json, 200, { 'content-type': 'application/json' })
}
