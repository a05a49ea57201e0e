/** The published room directory: Client-Server API §Room discovery. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { PublicRoomsPage } from '../../../src/ports/directory.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { fold } from '../../../src/protocol/matching/fold.ts'
import type { PublicRoom } from '../../../src/protocol/rooms/room-summary.ts'
import type { AppContext, AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { readPageToken, SmallInt, writePageToken } from '../page-token.ts'
import { Count, InRoom, RoomId } from '../params.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 500
/** Characters of what is searched for; types of rooms asked for, and characters of one. */
const MAX_TERM = 1_024
const MAX_TYPES = 50
const MAX_TYPE = 255

const Server = z.object({ server: z.string().optional() })
const ListQuery = Server.extend({ limit: Count.optional(), since: z.string().optional() })

const Filter = z.object({
  generic_search_term: z.string().max(MAX_TERM).nullish(),
  room_types: z.array(z.string().max(MAX_TYPE).nullable()).max(MAX_TYPES).nullish(),
})
/** Clients write null if they have nothing to say. */
function orNull<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined)
}

const ListBody = z.object({
  limit: orNull(z.int().min(0)),
  since: orNull(z.string()),
  filter: orNull(Filter),
  include_all_networks: z.boolean().default(false),
  third_party_instance_id: z.string().nullish(),
})
type ListBody = z.infer<typeof ListBody>

const Visibility = z.object({ visibility: z.enum(['public', 'private']).default('public') })

/** The place of a page: which way it goes, and the room it begins beside. */
const Place = z.tuple([z.enum(['after', 'before']), SmallInt, RoomId])

export const roomDirectory = new Hono<AppEnv>()

roomDirectory.get(
  '/publicRooms',
  endpoint({ auth: 'none', limit: 'search', query: ListQuery }),
  async (c) => {
    const { server, limit, since } = c.req.valid('query')
    c.var.objects.servers.requireAskable(server)
    return c.json(await list(c, { limit, since, filter: undefined, include_all_networks: false }))
  },
)

roomDirectory.post(
  '/publicRooms',
  endpoint({
    auth: 'device',
    guests: true,
    suspended: true,
    limit: 'search',
    query: Server,
    json: ListBody,
    bodyOptional: true,
  }),
  async (c) => {
    c.var.objects.servers.requireAskable(c.req.valid('query').server)
    const body = c.req.valid('json')
    if (body.third_party_instance_id) return c.json(networkList(body))
    return c.json(await list(c, body))
  },
)

/** With a token, a room that was made this moment is found too. */
roomDirectory.get(
  '/directory/list/room/:roomId',
  endpoint({ auth: 'optional', guests: false, suspended: true, limit: 'read', param: InRoom }),
  async (c) => {
    const { roomId } = c.req.valid('param')
    const { directory } = c.var.ports
    let listed = await directory.isListed(roomId)
    if (listed === undefined && c.var.requester !== undefined) {
      await c.var.objects.room(roomId).archived()
      listed = await directory.isListed(roomId)
    }
    if (listed === undefined) throw new MatrixError('M_NOT_FOUND', 'Room not found')
    return c.json({ visibility: listed ? 'public' : 'private' })
  },
)

roomDirectory.put(
  '/directory/list/room/:roomId',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: false,
    limit: 'write',
    param: InRoom,
    json: Visibility,
    bodyOptional: true,
  }),
  async (c) => {
    const { objects, requester } = c.var
    const listed = c.req.valid('json').visibility === 'public'
    await objects.room(c.req.valid('param').roomId).setListed(requester.userId, listed)
    return c.json({})
  },
)

/** "Can only be used if include_all_networks is false." No network beyond Matrix is bridged here. */
function networkList(body: ListBody) {
  if (body.include_all_networks) {
    throw new MatrixError(
      'M_INVALID_PARAM',
      'third_party_instance_id must be absent where include_all_networks is true',
    )
  }
  return { chunk: [], total_room_count_estimate: 0 }
}

async function list(c: AppContext, body: ListBody) {
  const page = pageOf(body)
  const { rooms, more, total } = await c.var.ports.directory.publicRooms(page)
  const backwards = page.from?.direction === 'before'
  const [first, last] = [rooms[0], rooms.at(-1)]
  return {
    chunk: rooms,
    total_room_count_estimate: total,
    // A page that was reached from another page has a neighbour there.
    ...(last && (backwards || more) ? { next_batch: token('after', last) } : {}),
    ...(first && (backwards ? more : page.from) ? { prev_batch: token('before', first) } : {}),
  }
}

/** A limit of 0 means no limit, as on other servers. */
function pageOf({ limit = DEFAULT_LIMIT, since, filter }: ListBody): PublicRoomsPage {
  const page: PublicRoomsPage = { limit: Math.min(limit || MAX_LIMIT, MAX_LIMIT) }
  if (since) {
    const [direction, joined, roomId] = readPageToken(Place, since)
    page.from = { direction, joined, roomId }
  }
  const term = fold(filter?.generic_search_term ?? '').trim()
  if (term !== '') page.term = term
  if (filter?.room_types) page.roomTypes = filter.room_types
  return page
}

function token(direction: 'after' | 'before', room: PublicRoom): string {
  return writePageToken([direction, room.num_joined_members, room.room_id])
}
