/** The endpoints before /sync, built on it: Client-Server API §Getting events for a room, §Room previews. */
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import type { JsonObject, JsonValue } from '../../src/protocol/canonical-json.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { objectField } from '../../src/protocol/json-fields.ts'
import type { AppEnv } from '../app-env.ts'
import { accessToken } from '../middleware/access-token.ts'
import { validate } from '../middleware/validate.ts'
import { Count, EventId, Flag, InRoom, RoomId } from './params.ts'
import { limitOf, position } from './reading.ts'
import { poll } from './sync.ts'

const DEFAULT_LIMIT = 10
const MAX_TIMEOUT_MS = 30_000
/** Rooms in which an event is looked for that the archive does not know yet. */
const MOVED_LAST = 20
/** How often a room is looked at for somebody who is not in it: such a guest gets no wakes. */
const PEEK_MS = 1_000

const InitialQuery = z.object({ limit: limitOf(DEFAULT_LIMIT), archived: Flag.default(false) })
const RoomInitialQuery = z.object({ limit: limitOf(DEFAULT_LIMIT) })
const EventsQuery = z.object({
  from: z.string().min(1).optional(),
  timeout: Count.transform((ms) => Math.min(ms, MAX_TIMEOUT_MS)).default(0),
  room_id: RoomId.optional(),
})

export const legacy = new Hono<AppEnv>()

legacy.get('/initialSync', accessToken, validate({ query: InitialQuery }), async (c) => {
  const { limit, archived } = c.req.valid('query')
  const body = await syncOnce(c, { room: { timeline: { limit }, include_leave: archived } })
  const rooms = Object.entries(objectField(body.rooms) ?? {}).flatMap(([kind, sections]) =>
    Object.entries(objectField(sections) ?? {}).map(([roomId, section]) =>
      roomInfo(kind, roomId, objectField(section) ?? {}, c.var.session.userId, body.next_batch ?? ''),
    ),
  )
  const end = body.next_batch
  return c.json({ end, rooms, presence: listed(body.presence), account_data: listed(body.account_data) })
})

legacy.get(
  '/rooms/:roomId/initialSync',
  accessToken,
  validate({ param: InRoom, query: RoomInitialQuery }),
  async (c) => {
    const { objects, ports, session } = c.var
    const { roomId } = c.req.valid('param')
    const room = objects.room(roomId)
    const [{ membership, ...snapshot }, isListed, accountData] = await Promise.all([
      room.snapshot(session, c.req.valid('query').limit),
      ports.directory.isListed(roomId),
      objects.user(session.userId).roomAccountData(session, roomId),
    ])
    return c.json({
      room_id: roomId,
      ...(membership === null ? {} : { membership }),
      ...snapshot,
      visibility: isListed ? 'public' : 'private',
      account_data: accountData,
    })
  },
)

legacy.get('/events', accessToken, validate({ query: EventsQuery }), async (c) => {
  const { from, timeout, room_id: roomId } = c.req.valid('query')
  return c.json(await (roomId === undefined ? stream(c, from, timeout) : peek(c, roomId, from, timeout)))
})

/** No room in the path: the archive knows where an event belongs, and what it does not know yet was sent just now. */
legacy.get(
  '/events/:eventId',
  accessToken,
  validate({ param: z.object({ eventId: EventId }) }),
  async (c) => {
    const { eventId } = c.req.valid('param')
    const roomId = await c.var.ports.archiveReader.roomOfEvent(eventId)
    if (roomId === undefined) return c.json(await justSent(c, eventId))
    return c.json(await c.var.objects.room(roomId).event(c.var.session, eventId))
  },
)

/** Looks for an event in those of the user's rooms that moved last. @throws MatrixError M_NOT_FOUND */
async function justSent(c: Context<AppEnv>, eventId: string) {
  const { objects, session } = c.var
  const rooms = await objects.user(session.userId).visitedRooms(session)
  const asked = rooms.slice(0, MOVED_LAST).map(({ roomId }) => objects.room(roomId).event(session, eventId))
  return Promise.any(asked).catch(() => {
    throw new MatrixError('M_NOT_FOUND', 'Event not found')
  })
}

// ------------------------------------------------------------ by /sync

interface SyncAsked {
  since?: string
  timeoutMs?: number
}

async function syncOnce(
  c: Context<AppEnv>,
  filter: JsonObject,
  { since, timeoutMs = 0 }: SyncAsked = {},
): Promise<JsonObject> {
  const { objects, ports, session } = c.var
  const request = {
    session,
    since,
    filter: JSON.stringify(filter),
    fullState: false,
    stateAfter: true,
    timeoutMs,
    presence: 'online' as const,
  }
  const answer = await poll(objects.user(session.userId), request, ports.clock)
  const body = (await answer.json()) as JsonObject
  if (answer.ok) return body
  throw new MatrixError('M_INVALID_PARAM', `from: ${body.error}`, { status: 400 })
}

/** From now on, where no token says from when. */
async function stream(c: Context<AppEnv>, from: string | undefined, timeoutMs: number): Promise<JsonObject> {
  const nothing = { room: { timeline: { limit: 0 }, state: { types: [] } } }
  const since = from ?? String((await syncOnce(c, nothing)).next_batch)
  const body = await syncOnce(c, {}, { since, timeoutMs })
  const chunk = Object.values(objectField(body.rooms) ?? {}).flatMap((sections) =>
    Object.entries(objectField(sections) ?? {}).flatMap(([roomId, section]) =>
      eventsOf(roomId, objectField(section) ?? {}),
    ),
  )
  return { start: since, end: body.next_batch, chunk: [...chunk, ...listed(body.presence)] }
}

/** What of a room's section the event stream carries, oldest first. */
const STREAMED = ['state_after', 'timeline', 'ephemeral', 'invite_state', 'knock_state']

function eventsOf(roomId: string, section: JsonObject): JsonObject[] {
  return STREAMED.flatMap((part) => inRoom(roomId, listed(section[part])))
}

function roomInfo(
  kind: string,
  roomId: string,
  section: JsonObject,
  userId: string,
  end: JsonValue,
): JsonObject {
  if (kind !== 'join' && kind !== 'leave') {
    const events = inRoom(roomId, listed(section[`${kind}_state`]))
    const own = events.find(({ type, state_key }) => type === 'm.room.member' && state_key === userId)
    // The invite itself is stripped, and so no event by the schema of `invite`; who sent it old clients read here.
    return {
      room_id: roomId,
      membership: kind,
      ...(own?.sender === undefined ? {} : { inviter: own.sender }),
    }
  }
  const timeline = objectField(section.timeline) ?? {}
  const messages: JsonObject = { chunk: inRoom(roomId, listed(timeline)), end }
  if (timeline.prev_batch !== undefined) messages.start = timeline.prev_batch
  return {
    room_id: roomId,
    membership: kind,
    messages,
    state: inRoom(roomId, listed(section.state_after)),
    account_data: listed(section.account_data),
  }
}

function listed(part: JsonValue | undefined): JsonObject[] {
  const events = objectField(part)?.events
  return Array.isArray(events) ? events.map(objectField).filter((event) => event !== undefined) : []
}

function inRoom(roomId: string, events: JsonObject[]): JsonObject[] {
  return events.map((event) => ({ ...event, room_id: roomId }))
}

// ------------------------------------------------------------ by the room itself

/** The events of one room, for who may look into it without being there. */
async function peek(c: Context<AppEnv>, roomId: string, from: string | undefined, timeoutMs: number) {
  const { objects, ports, session } = c.var
  const deadline = ports.clock.now() + timeoutMs
  const place = await position(c, roomId, from)
  let answer = await objects.room(roomId).peek(session, place)
  while (answer.chunk.length === 0 && ports.clock.now() < deadline) {
    const wait = Math.min(PEEK_MS, deadline - ports.clock.now())
    await new Promise((resolve) => setTimeout(resolve, wait))
    answer = await objects.room(roomId).peek(session, answer.end)
  }
  return place === undefined ? answer : { ...answer, start: place }
}
