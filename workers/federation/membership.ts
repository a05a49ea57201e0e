/** Users of other servers who join, leave and knock through this one. Server-Server API §Joining Rooms, §Leaving Rooms, §Knocking. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { AppEnv } from '../app-env.ts'
import { EventId, Flag, RoomId, UserId } from '../client/params.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { jsonObject } from '../middleware/validate.ts'
import { admitted } from './admitted.ts'
import { allowRoomsOf } from './allow-rooms.ts'
import { joinAnswer } from './join-answer.ts'
import { pduAnswer } from './pdu-answer.ts'
import { federates } from './served.ts'

/** Below `/_matrix/federation/v1`. */
export const templates = new Hono<AppEnv>()
/** Below `/_matrix/federation/v2`. */
export const joinsAndLeaves = new Hono<AppEnv>()

const server = { auth: 'server', limit: 'federation', served: federates } as const
const ForUser = z.object({ roomId: RoomId, userId: UserId })
const Signed = z.object({ roomId: RoomId, eventId: EventId })
const signed = { ...server, param: Signed, json: jsonObject } as const

/** Of a request for a template: room versions are few. */
const MOST_VERSIONS = 100

for (const membership of ['join', 'leave', 'knock'] as const) {
  templates.get(`/make_${membership}/:roomId/:userId`, endpoint({ ...server, param: ForUser }), async (c) => {
    const { roomId, userId } = c.req.valid('param')
    const room = c.var.objects.room(roomId)
    const versions = c.req.queries('ver')?.slice(0, MOST_VERSIONS)
    const allowRooms = membership === 'join' ? await allowRoomsOf(c, room, userId) : undefined
    const { origin } = c.var.requester
    const template = await room.memberTemplate({ origin, userId, membership, versions, allowRooms })
    return c.json({ room_version: template.roomVersion, event: template.event })
  })
}

/** The first version of these endpoints, which servers must still serve, has its answer in a list. */
templates.put('/send_join/:roomId/:eventId', endpoint(signed), async (c) => {
  const { origin } = c.var.requester
  const join = await admitted(c, { origin, membership: 'join', ...c.req.valid('param') })
  return joinAnswer(c, { origin, ...join, omitMembers: false, inList: true })
})

templates.put('/send_leave/:roomId/:eventId', endpoint(signed), async (c) => {
  await admitted(c, { origin: c.var.requester.origin, membership: 'leave', ...c.req.valid('param') })
  return c.json([200, {}])
})

joinsAndLeaves.put(
  '/send_join/:roomId/:eventId',
  endpoint({
    ...signed,
    query: z.object({ omit_members: Flag.optional() }),
  }),
  async (c) => {
    const { origin } = c.var.requester
    const join = await admitted(c, { origin, membership: 'join', ...c.req.valid('param') })
    return joinAnswer(c, { origin, ...join, omitMembers: c.req.valid('query').omit_members === true })
  },
)

joinsAndLeaves.put('/send_leave/:roomId/:eventId', endpoint(signed), async (c) => {
  await admitted(c, { origin: c.var.requester.origin, membership: 'leave', ...c.req.valid('param') })
  return c.json({})
})

/** Knocks have no second version. */
templates.put('/send_knock/:roomId/:eventId', endpoint(signed), async (c) => {
  const { origin } = c.var.requester
  const { previewPdus } = await admitted(c, { origin, membership: 'knock', ...c.req.valid('param') })
  return pduAnswer({ lists: { knock_room_state: [previewPdus] } })
})
