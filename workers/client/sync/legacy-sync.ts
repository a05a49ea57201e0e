/** The endpoints before /sync, built on it: Client-Server API §Getting events for a room, §Room previews. */
import { Hono } from 'hono'
import * as z from 'zod'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject, JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import { receiptContent } from '../../../src/protocol/events/receipt-content.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { beginWait } from '../../middleware/waits.ts'
import { stateSlices, streamJson } from '../../stream-json.ts'
import { limitOf, position } from '../events/reading.ts'
import { Count, EventId, Flag, InRoom, RoomId } from '../params.ts'
import { asEvents, asInitialSync, roomIdsOf, type Slices, withoutPast } from './legacy-answers.ts'
import { hasRest } from './long-poll.ts'
import { type LargeAnswer, poll, restOf } from './sync.ts'

const DEFAULT_LIMIT = 10
const MAX_TIMEOUT_MS = 30_000
/** How many rooms are searched for an event that the archive does not know yet. */
const MOVED_LAST = 20
/** How often a room is looked at for a user that is not in it, and so gets no wakes. */
const PEEK_MS = 1_000

const InitialQuery = z.object({ limit: limitOf(DEFAULT_LIMIT), archived: Flag.default(false) })
const RoomInitialQuery = z.object({ limit: limitOf(DEFAULT_LIMIT) })
const EventsQuery = z.object({
  from: z.string().min(1).optional(),
  timeout: Count.transform((ms) => Math.min(ms, MAX_TIMEOUT_MS)).default(0),
  room_id: RoomId.optional(),
})

export const legacy = new Hono<AppEnv>()

legacy.get(
  '/initialSync',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read', query: InitialQuery }),
  async (c) => {
    const { limit, archived } = c.req.valid('query')
    const { body, rest } = await syncOnce(c, { room: { timeline: { limit }, include_leave: archived } })
    const shown = archived ? body : withoutPast(body)
    const listed = await c.var.ports.directory.listedAmong(roomIdsOf(shown))
    const [answer, slices] = asInitialSync(shown, rest, { userId: c.var.requester.userId, listed })
    return streamJson(answer, slices)
  },
)

legacy.get(
  '/rooms/:roomId/initialSync',
  endpoint({
    auth: 'device',
    guests: true,
    suspended: true,
    limit: 'read',
    param: InRoom,
    query: RoomInitialQuery,
  }),
  async (c) => {
    const { objects, ports, requester } = c.var
    const { roomId } = c.req.valid('param')
    const [room, user] = [objects.room(roomId), objects.user(requester.userId)]
    const [{ membership, messages, receipts, members }, isListed, accountData] = await Promise.all([
      room.snapshot(requester.session, c.req.valid('query').limit),
      ports.directory.isListed(roomId),
      user.roomAccountData(requester.session, roomId),
    ])
    const presence = members.length === 0 ? [] : await user.presenceOf(requester.session, members)
    const content = receiptContent(receipts)
    const state: JsonValue[] = []
    const answer = {
      room_id: roomId,
      ...(membership !== null && { membership }),
      messages,
      visibility: isListed ? 'public' : 'private',
      account_data: accountData,
      presence,
      receipts: receipts.length === 0 ? [] : [{ type: 'm.receipt', room_id: roomId, content }],
      state,
    } as unknown as JsonObject
    return streamJson(answer, new Map([[state, () => stateSlices(room, { viewer: requester.userId })]]))
  },
)

legacy.get(
  '/events',
  endpoint({ auth: 'device', guests: true, suspended: true, limit: 'sync', query: EventsQuery }),
  async (c) => {
    const { from, timeout, room_id: roomId } = c.req.valid('query')
    return roomId === undefined ? stream(c, from, timeout) : c.json(await peek(c, roomId, from, timeout))
  },
)

/**
 * The path names no room. The archive knows which room an event belongs to; an event that it does not know was sent
 * just now.
 */
legacy.get(
  '/events/:eventId',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: true,
    limit: 'read',
    param: z.object({ eventId: EventId }),
  }),
  async (c) => {
    const { eventId } = c.req.valid('param')
    const roomId = await c.var.ports.archiveReader.roomOfEvent(eventId)
    if (roomId === undefined) return c.json(await justSent(c, eventId))
    return c.json(await c.var.objects.room(roomId).event(c.var.requester.session, eventId))
  },
)

/** Looks for an event in those of the user's rooms that moved last. @throws MatrixError M_NOT_FOUND */
async function justSent(c: UserContext, eventId: string) {
  const { objects, requester } = c.var
  const rooms = await objects.user(requester.userId).visitedRooms(requester.session)
  const asked = rooms
    .slice(0, MOVED_LAST)
    .map(({ roomId }) => objects.room(roomId).event(requester.session, eventId))
  return Promise.any(asked).catch(() => {
    throw new MatrixError('M_NOT_FOUND', 'Event not found')
  })
}

// ------------------------------------------------------------ by /sync

interface SyncAsked {
  since?: string
  timeoutMs?: number
}

/** What /sync answers, and what its lists of state go on with. */
async function syncOnce(
  c: UserContext,
  filter: JsonObject,
  { since, timeoutMs = 0 }: SyncAsked = {},
): Promise<{ body: JsonObject; rest: Slices }> {
  const { objects, requester } = c.var
  const request = {
    session: requester.session,
    since,
    filter: JSON.stringify(filter),
    fullState: false,
    stateAfter: true,
    timeoutMs,
    presence: 'online' as const,
  }
  const answer = await poll(c, request)
  const json = await answer.json<JsonObject>()
  if (!answer.ok)
    throw new MatrixError('M_INVALID_PARAM', `from cannot be used: ${json.error}`, { status: 400 })
  if (!hasRest(answer)) return { body: json, rest: new Map() }
  const { body, rest } = json as unknown as LargeAnswer
  return { body, rest: restOf(objects, body, rest) }
}

/** From now on, where no token says from when. */
async function stream(c: UserContext, from: string | undefined, timeoutMs: number): Promise<Response> {
  const nothing = { room: { timeline: { limit: 0 }, state: { types: [] } } }
  const since = from ?? String((await syncOnce(c, nothing)).body.next_batch)
  const { body, rest } = await syncOnce(c, {}, { since, timeoutMs })
  const [answer, slices] = asEvents(body, rest, since)
  return streamJson(answer, slices)
}

// ------------------------------------------------------------ by the room itself

/** The events of one room, for a user that may look into it without being in it. */
async function peek(c: UserContext, roomId: string, from: string | undefined, timeoutMs: number) {
  const { objects, ports, requester } = c.var
  const { session, userId } = requester
  const deadline = ports.clock.now() + timeoutMs
  const place = await position(c, roomId, from)
  let answer = await objects.room(roomId).peek(session, place)
  const wait = beginWait(c, `${userId} ${session.deviceId}`)
  try {
    while (answer.chunk.length === 0 && ports.clock.now() < deadline && !wait.isOver()) {
      const pause = Math.min(PEEK_MS, deadline - ports.clock.now())
      await new Promise((resolve) => setTimeout(resolve, pause))
      answer = await objects.room(roomId).peek(session, answer.end)
    }
  } finally {
    wait.done()
  }
  return place === undefined ? answer : { ...answer, start: place }
}
