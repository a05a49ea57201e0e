/** Reports of rooms, events and users, for the people that run the server: Client-Server API §Reporting Content. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { Report } from '../../../src/ports/reports.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { fitsBytes, localpartOf } from '../../../src/protocol/identifiers.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { EventId, InRoom, UserId } from '../params.ts'

/** "May be blank." */
const Reason = z.object({ reason: z.string() })
const OptionalReason = z.object({ reason: z.string().default('') })
const InEvent = InRoom.extend({ eventId: EventId })
const MAX_REASON_BYTES = 16_384
const OneUser = z.object({ userId: UserId })

export const report = new Hono<AppEnv>()

/** "The caller is not required to be joined to the room." */
report.post(
  '/rooms/:roomId/report',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'report', param: InRoom, json: Reason }),
  async (c) => {
    const { roomId } = c.req.valid('param')
    await c.var.objects.room(roomId).joinRule()
    return keep(c, { roomId, ...c.req.valid('json') })
  },
)

/** "The event was not found or you are not joined to the room" are one answer. */
report.post(
  '/rooms/:roomId/report/:eventId',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: true,
    limit: 'report',
    param: InEvent,
    json: OptionalReason,
    bodyOptional: true,
  }),
  async (c) => {
    const { roomId, eventId } = c.req.valid('param')
    const { objects, requester } = c.var
    const room = objects.room(roomId)
    const [joined] = await Promise.all([
      room.isJoined(requester.userId),
      room.event(requester.session, eventId),
    ])
    if (!joined) throw new MatrixError('M_NOT_FOUND', 'Event not found')
    return keep(c, { roomId, eventId, ...c.req.valid('json') })
  },
)

report.post(
  '/users/:userId/report',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'report', param: OneUser, json: Reason }),
  async (c) => {
    const { userId } = c.req.valid('param')
    const { accounts } = c.var.ports
    const isOurs = c.var.objects.servers.owns(userId)
    if (isOurs && (await accounts.find(localpartOf(userId))) === undefined) {
      throw new MatrixError('M_NOT_FOUND', 'The user was not found')
    }
    return keep(c, { userId, ...c.req.valid('json') })
  },
)

/** People write a few lines; a reason must be short enough to read. @throws MatrixError M_TOO_LARGE */
async function keep(c: UserContext, about: Omit<Report, 'reporter'>) {
  const { reports, clock } = c.var.ports
  if (about.reason !== undefined && !fitsBytes(about.reason, MAX_REASON_BYTES)) {
    throw new MatrixError('M_TOO_LARGE', `reason must not be longer than ${MAX_REASON_BYTES} bytes`)
  }
  await reports.add({ reporter: c.var.requester.userId, ...about }, clock.now())
  return c.json({})
}
