/** What other servers read of rooms that they share with this one. Server-Server API §PDUs and what follows. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { RoomGateway } from '../../durable-objects/gate.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { type AppEnv, portsIn } from '../app-env.ts'
import { Count, EventId, RoomId } from '../client/params.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { lastRead, noteRead } from './last-read.ts'
import { pduAnswer, pdusOf, pduTransaction } from './pdu-answer.ts'
import { federates } from './served.ts'

/** Below `/_matrix/federation/v1`. */
export const serverReads = new Hono<AppEnv>()

const server = { auth: 'server', limit: 'federation', served: federates } as const
const InRoom = z.object({ roomId: RoomId })
const AtEvent = z.object({ event_id: EventId })

/** How many events a request may name. */
const MOST_NAMED = 100
const Named = z.array(EventId).max(MOST_NAMED)

serverReads.get(
  '/event/:eventId',
  endpoint({ ...server, param: z.object({ eventId: EventId }) }),
  async (c) => {
    const { eventId } = c.req.valid('param')
    const { origin } = c.var.requester
    const pduIn = (roomId: string) => c.var.objects.room(roomId).pdu(origin, eventId)
    const near = lastRead(origin)
    const found = near === undefined ? undefined : await pduIn(near).catch(whereNot)
    if (found !== undefined) return pduTransaction(c, [found])
    const roomId = await portsIn(c).archiveReader.roomOfEvent(eventId)
    if (roomId === undefined) throw new MatrixError('M_NOT_FOUND', 'There is no such event here')
    return pduTransaction(c, [await pduIn(roomId)])
  },
)

/** The room that was asked of last has no such event for the server. */
function whereNot(error: unknown): undefined {
  if (error instanceof MatrixError && (error.errcode === 'M_NOT_FOUND' || error.errcode === 'M_FORBIDDEN'))
    return undefined
  throw error
}

serverReads.get('/state/:roomId', endpoint({ ...server, param: InRoom, query: AtEvent }), async (c) => {
  const { origin } = c.var.requester
  const room = c.var.objects.room(c.req.valid('param').roomId)
  const { pduIds, authChainIds } = await room.stateIds({ origin, eventId: c.req.valid('query').event_id })
  return pduAnswer({ lists: listsOf(room, origin, { pdus: pduIds, auth_chain: authChainIds }) })
})

serverReads.get('/state_ids/:roomId', endpoint({ ...server, param: InRoom, query: AtEvent }), async (c) => {
  const room = c.var.objects.room(c.req.valid('param').roomId)
  const ids = await room.stateIds({
    origin: c.var.requester.origin,
    eventId: c.req.valid('query').event_id,
  })
  noteRead(c.var.requester.origin, c.req.valid('param').roomId)
  return c.json({ pdu_ids: ids.pduIds, auth_chain_ids: ids.authChainIds })
})

serverReads.get(
  '/event_auth/:roomId/:eventId',
  endpoint({ ...server, param: z.object({ roomId: RoomId, eventId: EventId }) }),
  async (c) => {
    const { roomId, eventId } = c.req.valid('param')
    const { origin } = c.var.requester
    const room = c.var.objects.room(roomId)
    const authChain = await room.authChain(origin, eventId)
    return pduAnswer({ lists: listsOf(room, origin, { auth_chain: authChain }) })
  },
)

serverReads.get(
  '/backfill/:roomId',
  endpoint({ ...server, param: InRoom, query: z.object({ limit: Count }) }),
  async (c) => {
    const named = Named.safeParse(c.req.queries('v') ?? [])
    if (!named.success)
      throw new MatrixError(
        'M_INVALID_PARAM',
        `The parameter v must be an event ID, and may stand ${MOST_NAMED} times`,
      )
    const pdus = await c.var.objects.room(c.req.valid('param').roomId).backfill({
      origin: c.var.requester.origin,
      eventIds: named.data,
      limit: c.req.valid('query').limit,
    })
    return pduTransaction(c, pdus)
  },
)

const MissingEvents = z.object({
  earliest_events: Named,
  latest_events: Named,
  limit: z.int().min(0).default(10),
  min_depth: z.int().default(0),
})

serverReads.post(
  '/get_missing_events/:roomId',
  endpoint({ ...server, param: InRoom, json: MissingEvents }),
  async (c) => {
    const { earliest_events, latest_events, limit, min_depth } = c.req.valid('json')
    const events = await c.var.objects.room(c.req.valid('param').roomId).missingEvents({
      origin: c.var.requester.origin,
      latest: latest_events,
      earliest: earliest_events,
      limit,
      minDepth: min_depth,
    })
    noteRead(c.var.requester.origin, c.req.valid('param').roomId)
    return pduAnswer({ lists: { events: [events] } })
  },
)

serverReads.get(
  '/timestamp_to_event/:roomId',
  endpoint({ ...server, param: InRoom, query: z.object({ ts: Count, dir: z.enum(['f', 'b']) }) }),
  async (c) => {
    const room = c.var.objects.room(c.req.valid('param').roomId)
    return c.json(await room.momentForServer(c.var.requester.origin, c.req.valid('query')))
  },
)

function listsOf(
  room: Pick<RoomGateway, 'pdus'>,
  origin: string,
  lists: Record<string, readonly string[]>,
): Record<string, AsyncIterable<string[]>> {
  return Object.fromEntries(Object.entries(lists).map(([key, ids]) => [key, pdusOf(room, origin, ids)]))
}
