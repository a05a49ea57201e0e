/** Client-Server API §Receipts and §Fully read markers: how far the user has read. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { MarkReadRequest } from '../../../src/objects/room/sync.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { EventId, InRoom } from '../params.ts'

const OfEvent = InRoom.extend({
  receiptType: z.enum(['m.read', 'm.read.private', 'm.fully_read']),
  eventId: EventId,
})
/** "The thread_id is invalid in some way. For example: it is not a string": M_INVALID_PARAM in any case. */
const Receipt = z.object({ thread_id: z.unknown().optional() })
const Markers = z.object({
  'm.fully_read': EventId.optional(),
  'm.read': EventId.optional(),
  'm.read.private': EventId.optional(),
})

export const receipts = new Hono<AppEnv>()

receipts.post(
  '/rooms/:roomId/receipt/:receiptType/:eventId',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: true,
    limit: 'write',
    param: OfEvent,
    json: Receipt,
    bodyOptional: true,
  }),
  async (c) => {
    const { roomId, receiptType, eventId } = c.req.valid('param')
    const threadId = threadOf(c.req.valid('json').thread_id)
    if (receiptType !== 'm.fully_read') {
      return markRead(c, roomId, { receipts: [{ type: receiptType, threadId, eventId }] })
    }
    // "M_INVALID_PARAM if … the thread_id is specified for a m.fully_read receipt."
    if (threadId !== undefined)
      throw new MatrixError('M_INVALID_PARAM', 'thread_id must be absent for m.fully_read')
    return markRead(c, roomId, { receipts: [], fullyRead: eventId })
  },
)

receipts.post(
  '/rooms/:roomId/read_markers',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: true,
    limit: 'write',
    param: InRoom,
    json: Markers,
    bodyOptional: true,
  }),
  (c) => {
    const markers = c.req.valid('json')
    const moved = (['m.read', 'm.read.private'] as const).flatMap((type) => {
      const eventId = markers[type]
      return eventId === undefined ? [] : [{ type, eventId }]
    })
    return markRead(c, c.req.valid('param').roomId, { receipts: moved, fullyRead: markers['m.fully_read'] })
  },
)

/** @throws MatrixError M_INVALID_PARAM */
function threadOf(threadId: unknown): string | undefined {
  if (threadId === undefined) return undefined
  if (typeof threadId === 'string' && threadId !== '' && threadId.length <= 255) return threadId
  throw new MatrixError('M_INVALID_PARAM', 'thread_id must be main, or the event ID of a thread’s root')
}

async function markRead(
  c: UserContext,
  roomId: string,
  request: Omit<MarkReadRequest, 'userId'>,
): Promise<Response> {
  const { objects, requester } = c.var
  const { fullyReadPos } = await objects.room(roomId).markRead({ ...request, userId: requester.userId })
  if (request.fullyRead !== undefined && fullyReadPos !== undefined) {
    const marker = { roomId, eventId: request.fullyRead, eventPos: fullyReadPos }
    await objects.user(requester.userId).setFullyRead(requester.session, marker)
  }
  return c.json({})
}
