/** Message events: Client-Server API §Sending events to a room. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { SendRequest } from '../../../src/objects/room/send.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { jsonAnswer } from '../../middleware/dress.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { bodyHasFloats, jsonObject } from '../../middleware/validate.ts'
import { EventType, RoomId, TxnId } from '../params.ts'
import { DelayQuery, delayOf, schedule } from './delay.ts'
import { checkMessage } from './event-content.ts'

const OfType = z.object({ roomId: RoomId, eventType: EventType })
const OnceOfType = OfType.extend({ txnId: TxnId })

export const send = new Hono<AppEnv>()

send.put(
  '/rooms/:roomId/send/:eventType/:txnId',
  endpoint({
    auth: 'device',
    guests: true,
    suspended: 'own',
    limit: 'message',
    param: OnceOfType,
    query: DelayQuery,
    json: jsonObject,
    bodyOptional: true,
  }),
  async (c) => {
    const { roomId, eventType, txnId } = c.req.valid('param')
    const request = messageOf(c, eventType, c.req.valid('json'))
    request.isBare = c.get('bodyText') === ''
    const delay = delayOf(c.req.valid('query'))
    if (delay !== undefined) {
      return c.json({ delay_id: await schedule(c, roomId, { ...request, txnId }, delay) })
    }
    const eventId = await c
      .get('objects')
      .room(roomId)
      .send({ ...request, txnId })
    return jsonAnswer(JSON.stringify({ event_id: eventId }))
  },
)

/** Not in the specification, but older than it: without a transaction id each request is an event. */
send.post(
  '/rooms/:roomId/send/:eventType',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: 'own',
    limit: 'message',
    param: OfType,
    json: jsonObject,
    bodyOptional: true,
  }),
  async (c) => {
    const { roomId, eventType } = c.req.valid('param')
    const request = messageOf(c, eventType, c.req.valid('json'))
    return c.json({ event_id: await c.var.objects.room(roomId).send(request) })
  },
)

function messageOf(c: UserContext, type: string, content: JsonObject): SendRequest {
  checkMessage(type)
  const { userId: sender, deviceId } = c.var.requester
  const request: SendRequest = { sender, deviceId, type, content, hasFloats: bodyHasFloats(c) }
  // Up to room version 10 `redacts` belongs beside the content: the room knows where its version wants it.
  if (type === 'm.room.redaction' && typeof content.redacts === 'string') request.redacts = content.redacts
  return request
}
