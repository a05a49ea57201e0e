/** Client-Server API §Listing notifications: gathered from the user's rooms when they look. */

import { Hono } from 'hono'
import * as z from 'zod'
import type {
  NotificationsRequest,
  NotificationsSlice,
  RoomNotification,
} from '../../../src/objects/room/timeline.ts'
import { inTurns } from '../../../src/worker-pool.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { readPageToken, writePageToken } from '../page-token.ts'
import { Count, EventId } from '../params.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100
/** How many rooms are asked for one page, the last moved first: an invocation has a few hundred calls. */
const MAX_ROOMS = 200
/** Rooms asked at once. */
const AT_ONCE = 6

const Place = z.object({ ts: z.int(), eventId: EventId })

const Query = z.object({
  from: z.string().optional(),
  limit: Count.transform((limit) => Math.min(Math.max(limit, 1), MAX_LIMIT)).default(DEFAULT_LIMIT),
  only: z.string().optional(),
})

export const notifications = new Hono<AppEnv>()

notifications.get(
  '/notifications',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read', query: Query }),
  async (c) => {
    const { from, limit, only } = c.req.valid('query')
    const { rooms, ...settings } = await c.var.objects
      .user(c.var.requester.userId)
      .notificationRooms(c.var.requester.session)
    const request: NotificationsRequest = {
      ...settings,
      ...(from !== undefined && { before: readPageToken(Place, from) }),
      // One more tells whether there is another page.
      limit: limit + 1,
      onlyHighlights: only === 'highlight',
    }
    const { found, isCut } = await gather(c, rooms.slice(0, MAX_ROOMS), request)
    const page = found.slice(0, limit)
    const last = page.at(-1)
    return c.json({
      // No rule has a tag any more; clients that expect one read none.
      notifications: page.map(({ roomId, ...rest }) => ({ room_id: roomId, profile_tag: '', ...rest })),
      ...((isCut || found.length > limit) && last !== undefined && { next_token: tokenAfter(last) }),
    })
  },
)

function tokenAfter({ ts, event }: RoomNotification): string {
  return writePageToken({ ts, eventId: event.event_id } satisfies z.infer<typeof Place>)
}

/**
 * The newest of all rooms, newest first. A room that cannot be reached is left out of the page. If a room has cut its
 * part, the page ends with the last event of that part, since something may be missing after it.
 */
async function gather(
  c: UserContext,
  rooms: readonly string[],
  request: NotificationsRequest,
): Promise<NotificationsSlice> {
  const { objects, requester } = c.var
  let found: RoomNotification[] = []
  let end: RoomNotification | undefined
  await inTurns([...rooms], AT_ONCE, async (roomId) => {
    const slice = await objects
      .room(roomId)
      .notifications(requester.session, request)
      .catch(() => ({ found: [], isCut: false }))
    const last = slice.isCut ? slice.found.at(-1) : undefined
    if (last !== undefined && (end === undefined || newestFirst(last, end) < 0)) end = last
    // What cannot be in the page is not kept: events are large, and rooms many.
    found = [...found, ...slice.found].sort(newestFirst).slice(0, request.limit)
  })
  const bound = end
  const whole = bound === undefined ? found : found.filter((one) => newestFirst(one, bound) <= 0)
  return { found: whole, isCut: bound !== undefined }
}

function newestFirst(a: RoomNotification, b: RoomNotification): number {
  return b.ts - a.ts || (a.event.event_id < b.event.event_id ? 1 : -1)
}
