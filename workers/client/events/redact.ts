/** Client-Server API §Redactions. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { SendRequest } from '../../../src/objects/room/send.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { isAdmin } from '../../middleware/admin.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { EventId, RoomId, TxnId } from '../params.ts'

const OfEvent = z.object({ roomId: RoomId, eventId: EventId })
const OnceOfEvent = OfEvent.extend({ txnId: TxnId })

const WITH_RELATIONS = 'org.matrix.msc3912.with_relations'
/** Each event that relates to the redacted one is held against these. */
const RelTypes = z.array(z.string().max(255)).max(50)
const Redaction = z.object({
  reason: z.string().optional(),
  with_relations: RelTypes.optional(),
  [WITH_RELATIONS]: RelTypes.optional(),
})

export const redaction = new Hono<AppEnv>()

redaction.put(
  '/rooms/:roomId/redact/:eventId/:txnId',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: 'own',
    limit: 'message',
    param: OnceOfEvent,
    json: Redaction,
    bodyOptional: true,
  }),
  async (c) => {
    const { txnId, ...place } = c.req.valid('param')
    return c.json(await redact(c, place, c.req.valid('json'), txnId))
  },
)

/** Not in the specification, but older than it: without a transaction id each request is a redaction. */
redaction.post(
  '/rooms/:roomId/redact/:eventId',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: 'own',
    limit: 'message',
    param: OfEvent,
    json: Redaction,
    bodyOptional: true,
  }),
  async (c) => c.json(await redact(c, c.req.valid('param'), c.req.valid('json'))),
)

async function redact(
  c: UserContext,
  { roomId, eventId }: z.infer<typeof OfEvent>,
  body: z.infer<typeof Redaction>,
  txnId?: string,
): Promise<{ event_id: string }> {
  const { userId, deviceId } = c.var.requester
  const request: SendRequest = {
    sender: userId,
    deviceId,
    txnId,
    path: `redact/${encodeURIComponent(eventId)}`,
    type: 'm.room.redaction',
    content: body.reason === undefined ? {} : { reason: body.reason },
    redacts: eventId,
    withRelations: body[WITH_RELATIONS] ?? body.with_relations,
  }
  const room = c.var.objects.room(roomId)
  try {
    return { event_id: await room.send(request) }
  } catch (error) {
    // Asked last: hardly any user is an administrator, and only Postgres knows which ones are.
    const isForbidden = error instanceof MatrixError && error.errcode === 'M_FORBIDDEN'
    if (!isForbidden || !(await isAdmin(c))) throw error
    return { event_id: await room.send({ ...request, asAdministrator: true }) }
  }
}
