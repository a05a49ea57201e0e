/** A room's state, read and written: Client-Server API §Getting events for a room, §Sending events to a room. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { SendRequest } from '../../../src/objects/room/send.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject, JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { bodyHasFloats, jsonObject } from '../../middleware/validate.ts'
import { stateSlices, streamJson } from '../../stream-json.ts'
import { EventType, InRoom, RoomId, StateKey } from '../params.ts'
import { requireTakesInvites } from '../rooms/invite-permission.ts'
import { allowRoomsJoined } from '../rooms/restricted-rooms.ts'
import { DelayQuery, delayOf, schedule } from './delay.ts'
import { checkState, namedAliases } from './event-content.ts'

/** "The state_key … Defaults to the empty string; when it is empty, the trailing slash is optional." */
const PATHS = [
  '/rooms/:roomId/state/:eventType/:stateKey',
  '/rooms/:roomId/state/:eventType/',
  '/rooms/:roomId/state/:eventType',
]

const OneState = z.object({ roomId: RoomId, eventType: EventType, stateKey: StateKey.default('') })
const Format = z.object({ format: z.enum(['content', 'event']).default('content') })

export const state = new Hono<AppEnv>()

state.get(
  '/rooms/:roomId/state',
  endpoint({ auth: 'device', guests: true, suspended: true, limit: 'read', param: InRoom }),
  async (c) => {
    const { objects, requester } = c.var
    const slices = stateSlices(objects.room(c.req.valid('param').roomId), { viewer: requester.userId })
    const all: JsonValue[] = []
    return streamJson(all, new Map([[all, () => slices]]))
  },
)

for (const path of PATHS) {
  state.get(
    path,
    endpoint({
      auth: 'device',
      guests: true,
      suspended: true,
      limit: 'read',
      param: OneState,
      query: Format,
    }),
    async (c) => {
      const { roomId, eventType, stateKey } = c.req.valid('param')
      const event = await c.var.objects.room(roomId).stateEvent(c.var.requester.userId, eventType, stateKey)
      return c.json(c.req.valid('query').format === 'event' ? event : event.content)
    },
  )

  state.put(
    path,
    endpoint({
      auth: 'device',
      guests: true,
      suspended: 'own',
      limit: 'message',
      param: OneState,
      query: DelayQuery,
      json: jsonObject,
    }),
    async (c) => {
      const { roomId, eventType, stateKey } = c.req.valid('param')
      const content = c.req.valid('json')
      await checkNewState(c, roomId, { type: eventType, stateKey, content })
      const { userId, deviceId } = c.var.requester
      const request: SendRequest = {
        sender: userId,
        deviceId,
        type: eventType,
        stateKey,
        content,
        hasFloats: bodyHasFloats(c),
      }
      const delay = delayOf(c.req.valid('query'))
      if (delay !== undefined) return c.json({ delay_id: await schedule(c, roomId, request, delay) })
      if (eventType === 'm.room.member' && stateKey === userId && content.membership === 'join')
        request.joinedAllowRooms = await allowRoomsJoined(c, roomId)
      return c.json({ event_id: await c.var.objects.room(roomId).send(request) })
    },
  )
}

interface NewState {
  type: string
  stateKey: string
  content: JsonObject
}

/** @throws MatrixError for contents that no client may put into a room's state */
export async function checkNewState(c: UserContext, roomId: string, event: NewState): Promise<void> {
  checkState(event.type, event.content)
  // Whether guests may come in is asked by /join, which also marks them as guests.
  if (event.type === 'm.room.member' && c.var.requester.kind === 'guest') {
    throw new MatrixError(
      'M_GUEST_ACCESS_FORBIDDEN',
      'Guests may change memberships only by /join and /leave',
    )
  }
  if (event.type === 'm.room.member' && event.content.membership === 'invite') {
    c.var.objects.servers.requireReachable(event.stateKey)
    await requireTakesInvites(c, event.stateKey)
  }
  if (event.type === 'm.room.canonical_alias' && event.stateKey === '') {
    await checkAliases(c, roomId, event.content)
  }
}

/** "M_BAD_ALIAS: … the room alias does not point to the room": asked of newly added aliases alone. */
async function checkAliases(c: UserContext, roomId: string, content: JsonObject): Promise<void> {
  const named = namedAliases(content)
  if (named.length === 0) return
  const before = new Set(namedAliases(await currentContent(c, roomId)))
  for (const alias of named.filter((name) => !before.has(name))) {
    if ((await c.var.objects.servers.roomOf(alias))?.roomId !== roomId)
      throw new MatrixError('M_BAD_ALIAS', `${alias} does not point to this room`)
  }
}

async function currentContent(c: UserContext, roomId: string): Promise<JsonObject> {
  try {
    const room = c.var.objects.room(roomId)
    return (await room.stateEvent(c.var.requester.userId, 'm.room.canonical_alias', '')).content
  } catch (error) {
    if (error instanceof MatrixError && error.errcode === 'M_NOT_FOUND') return {}
    throw error
  }
}
