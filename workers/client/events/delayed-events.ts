/** Managing delayed events (MSC4140), and the newer way of asking for one. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { RoomGateway } from '../../../durable-objects/gate.ts'
import type { DelayedAction, DelayedEvent } from '../../../src/objects/room/send.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { AppContext, AppEnv, PossibleUserContext, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { bodyHasFloats, jsonObject } from '../../middleware/validate.ts'
import { EventType, RoomId, StateKey, TxnId } from '../params.ts'
import { checkDelay, schedule } from './delay.ts'
import { roomOfDelayId } from './delay-id.ts'
import { checkMessage } from './event-content.ts'
import { checkNewState } from './state.ts'

/** How many rooms are asked at once for one list, and after how many characters no more are asked. */
const MAX_ROOMS = 300
const AT_ONCE = 6
const MAX_LENGTH = 4_000_000

const Action = z.enum(['send', 'cancel', 'restart'])
const ById = z.object({ delayId: z.string().min(1) })
const ListQuery = z.object({ status: z.enum(['scheduled', 'finalised']).optional() })
const Later = z.object({ roomId: RoomId, eventType: EventType, txnId: TxnId })
const LaterBody = z.object({
  delay_ms: z.int().min(0),
  state_key: StateKey.optional(),
  content: jsonObject,
})

/** Below `/_matrix/client/unstable/org.matrix.msc4140`. */
export const delayedEvents = new Hono<AppEnv>()

delayedEvents.get(
  '/delayed_events',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read', query: ListQuery }),
  async (c) => {
    const { status } = c.req.valid('query')
    const events = await ownEvents(c)
    const scheduled = events.filter(({ finalised }) => finalised === undefined).map(shown)
    const finalised = events.filter((event) => event.finalised !== undefined).map(shownFinalised)
    return c.json({
      ...(status !== 'finalised' && { scheduled, delayed_events: scheduled }),
      ...(status !== 'scheduled' && { finalised }),
    })
  },
)

delayedEvents.get(
  '/delayed_events/:delayId',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read', param: ById }),
  async (c) => {
    const { delayId } = c.req.valid('param')
    const events = await roomOf(c, delayId).delayedEvents(c.var.requester.userId)
    const event = events.find((one) => one.delayId === delayId)
    if (event === undefined) throw new MatrixError('M_NOT_FOUND', 'No such delayed event')
    return c.json(
      event.finalised === undefined ? shown(event) : { ...shown(event), ...shownFinalised(event) },
    )
  },
)

/** @throws MatrixError M_NOT_FOUND for an id that this server has not made */
function roomOf(c: AppContext, delayId: string): RoomGateway {
  return c.var.objects.room(roomOfDelayId(c.var.ports.config, delayId))
}

/** The id is a secret: a program that was given it, such as a call's media server, needs no token. */
async function act(c: PossibleUserContext, delayId: string, action: DelayedAction) {
  await roomOf(c, delayId).delayedAction(delayId, action, c.var.requester?.userId)
  return c.json({})
}

delayedEvents.post(
  '/delayed_events/:delayId',
  endpoint({
    auth: 'optional',
    guests: false,
    suspended: true,
    limit: 'message',
    param: ById,
    json: z.object({ action: Action }),
  }),
  async (c) => act(c, c.req.valid('param').delayId, c.req.valid('json').action),
)

delayedEvents.post(
  '/delayed_events/:delayId/:action{send|cancel|restart}',
  endpoint({
    auth: 'optional',
    guests: false,
    suspended: true,
    limit: 'message',
    param: ById.extend({ action: Action }),
    json: z.object({}),
    bodyOptional: true,
  }),
  async (c) => act(c, c.req.valid('param').delayId, c.req.valid('param').action),
)

delayedEvents.put(
  '/rooms/:roomId/delayed_event/:eventType/:txnId',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: false,
    limit: 'message',
    param: Later,
    json: LaterBody,
  }),
  async (c) => {
    const { roomId, eventType: type, txnId } = c.req.valid('param')
    const { delay_ms: delay, state_key: stateKey, content } = c.req.valid('json')
    checkDelay(delay)
    if (stateKey === undefined) checkMessage(type)
    else await checkNewState(c, roomId, { type, stateKey, content })
    const { userId: sender, deviceId } = c.var.requester
    const hasFloats = bodyHasFloats(c)
    const request = { sender, deviceId, txnId, type, stateKey, content, hasFloats }
    return c.json({ delay_id: await schedule(c, roomId, request, delay) })
  },
)

async function ownEvents(c: UserContext): Promise<DelayedEvent[]> {
  const { objects, requester } = c.var
  const user = objects.user(requester.userId)
  const rooms = await user.delayedRooms(requester.session)
  const found: DelayedEvent[] = []
  const empty: string[] = []
  let length = 0
  for (let next = 0; next < Math.min(rooms.length, MAX_ROOMS) && length < MAX_LENGTH; next += AT_ONCE) {
    const asked = rooms.slice(next, next + AT_ONCE)
    const lists = await Promise.all(
      asked.map((roomId) => objects.room(roomId).delayedEvents(requester.userId)),
    )
    for (const [index, list] of lists.entries()) {
      if (list.length === 0) empty.push(asked[index] as string)
      found.push(...list)
      length += JSON.stringify(list).length
    }
  }
  if (empty.length > 0) await user.pruneDelayed(requester.session, empty)
  return found
}

function shown({ delayId, roomId, type, stateKey, content, delayMs, runningSince }: DelayedEvent) {
  return {
    delay_id: delayId,
    room_id: roomId,
    type,
    ...(stateKey !== undefined && { state_key: stateKey }),
    content,
    delay: delayMs,
    running_since: runningSince,
  }
}

function shownFinalised(event: DelayedEvent) {
  const { outcome, reason, error, eventId, at } = event.finalised ?? {}
  return {
    delayed_event: shown(event),
    outcome,
    reason,
    ...(error !== undefined && { error }),
    ...(eventId !== undefined && { event_id: eventId, origin_server_ts: at }),
  }
}
