/** Client-Server API §Server Side Search. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { FoundEvent, SearchContext } from '../../../src/objects/room/timeline.ts'
import type { VisitedRoom } from '../../../src/objects/user/sync.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject, JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import { RoomEventFilter, wantsRoom } from '../../../src/protocol/matching/filter.ts'
import { searchableText } from '../../../src/search/document.ts'
import {
  type SearchCriteria,
  type SearchGroup,
  type SearchResults,
  type SearchToken,
  searchEvents,
} from '../../../src/search/search.ts'
import { highlightsOf } from '../../../src/search/terms.ts'
import type { AppContext, AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { stateSlices, streamJson } from '../../stream-json.ts'
import { ignoredBy } from '../events/reading.ts'
import { Real, readPageToken, SmallInt, writePageToken } from '../page-token.ts'
import { EventId } from '../params.ts'

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 50
const DEFAULT_CONTEXT = 5
const MAX_CONTEXT = 20
/** Characters of what is searched for, and keys of a list. */
const MAX_TERM = 1_024
const MAX_KEYS = 10
/** Rooms that are asked for what the archive does not know yet. */
const MOVED_LAST = 50

const Around = z
  .int()
  .min(0)
  .default(DEFAULT_CONTEXT)
  .transform((count) => Math.min(count, MAX_CONTEXT))
const GroupKey = z.enum(['room_id', 'sender'])
const Order = z.enum(['rank', 'recent'])

const RoomEvents = z.object({
  search_term: z.string().max(MAX_TERM),
  keys: z
    .array(z.enum(['content.body', 'content.name', 'content.topic']))
    .max(MAX_KEYS)
    .optional(),
  filter: RoomEventFilter.optional(),
  order_by: Order.default('rank'),
  event_context: z
    .object({ before_limit: Around, after_limit: Around, include_profile: z.boolean().default(false) })
    .optional(),
  include_state: z.boolean().default(false),
  groupings: z
    .object({
      group_by: z
        .array(z.object({ key: GroupKey }))
        .max(MAX_KEYS)
        .default([]),
    })
    .optional(),
})
type RoomEvents = z.infer<typeof RoomEvents>

const Body = z.object({ search_categories: z.object({ room_events: RoomEvents.optional() }) })
const Query = z.object({ next_batch: z.string().min(1).optional() })

const Token: z.ZodType<SearchToken> = z.object({
  order: Order,
  place: z.object({ rank: Real, ts: z.int(), eventId: EventId }),
  shown: SmallInt,
  group: z.object({ key: GroupKey, value: z.string() }).optional(),
})

export const search = new Hono<AppEnv>()

/** The first question goes to the User object: which rooms there are to search. */
search.post(
  '/search',
  endpoint({ auth: 'claims', guests: false, suspended: true, limit: 'search', query: Query, json: Body }),
  async (c) => {
    const request = c.req.valid('json').search_categories.room_events
    if (request === undefined) return c.json({ search_categories: {} })
    const { objects, ports, requester } = c.var
    const criteria = criteriaOf(request, c.req.valid('query').next_batch)
    const [rooms, ignored] = await Promise.all([
      objects.user(requester.userId).visitedRooms(requester.session),
      ignoredBy(c),
    ])
    if (criteria.from === undefined) await archiveNews(c, rooms, criteria)
    const results = await searchEvents(criteria, {
      store: ports.search,
      rooms,
      visible: (roomId, eventIds) => objects.room(roomId).visibleEvents(requester.userId, eventIds, ignored),
    })
    const found = await answer(c, request, results, ignored)
    const state = request.include_state ? statesOf(c, results.hits) : undefined
    const room_events = { ...found, ...(state && { state: state.byRoom }) } as unknown as JsonObject
    return streamJson({ search_categories: { room_events } }, state?.slices ?? new Map())
  },
)

/**
 * The archive is a moment behind, so the rooms that moved last are asked to archive what they have: a search then finds
 * what was just said.
 */
async function archiveNews(c: AppContext, rooms: VisitedRoom[], { filter }: SearchCriteria) {
  const wanted = rooms.filter(({ roomId }) => wantsRoom(filter, roomId)).slice(0, MOVED_LAST)
  await Promise.all(
    wanted.map(({ roomId }) =>
      c.var.objects
        .room(roomId)
        .archived()
        .catch(() => undefined),
    ),
  )
}

function criteriaOf(request: RoomEvents, nextBatch: string | undefined): SearchCriteria {
  const { search_term: term, order_by: order, keys, filter, groupings } = request
  const from = nextBatch === undefined ? undefined : readPageToken(Token, nextBatch)
  if (from !== undefined && from.order !== order) {
    throw new MatrixError('M_INVALID_PARAM', 'next_batch belongs to a search with another order_by')
  }
  const limit = Math.max(1, Math.min(filter?.limit ?? DEFAULT_LIMIT, MAX_LIMIT))
  const groupBy = [...new Set(groupings?.group_by.map(({ key }) => key))]
  return { term, keys, filter, order, limit, groupBy, from }
}

async function answer(c: UserContext, request: RoomEvents, results: SearchResults, ignored: string[]) {
  const { hits, count, groups, next } = results
  const found = await foundEvents(c, request, hits, ignored)
  const shown = hits.flatMap(({ eventId, rank }) => {
    const entry = found.get(eventId)
    return entry === undefined ? [] : [{ rank, result: entry.event, context: entry.context }]
  })
  const texts = shown.map(({ result }) => searchableText({ ...result, stateKey: result.state_key ?? null }))
  return {
    count,
    results: shown,
    highlights: highlightsOf(
      request.search_term,
      texts.filter((text) => text !== undefined),
    ),
    groups: Object.fromEntries(Object.entries(groups).map(([key, byValue]) => [key, grouped(byValue)])),
    ...(next === undefined ? {} : { next_batch: writePageToken(next) }),
  }
}

/** The events of the page as their rooms show them, by id. */
async function foundEvents(
  c: UserContext,
  { event_context: around }: RoomEvents,
  hits: SearchResults['hits'],
  ignored: string[],
): Promise<Map<string, FoundEvent>> {
  const context: SearchContext | undefined = around && {
    before: around.before_limit,
    after: around.after_limit,
    profiles: around.include_profile,
  }
  const byRoom = Map.groupBy(hits, ({ roomId }) => roomId)
  const answers = await Promise.all(
    [...byRoom].map(([roomId, inRoom]) => {
      const eventIds = inRoom.map(({ eventId }) => eventId)
      return c.var.objects.room(roomId).foundEvents(c.var.requester.session, eventIds, { ignored, context })
    }),
  )
  return new Map(answers.flat().map((found) => [found.event.event_id, found]))
}

/** The state of the rooms of a page, each as its Room sends it. */
function statesOf({ var: { objects, requester } }: UserContext, hits: SearchResults['hits']) {
  const byRoom: Record<string, JsonValue[]> = {}
  for (const { roomId } of hits) byRoom[roomId] = []
  const slices = Object.entries(byRoom).map(([roomId, events]): [unknown, () => AsyncIterable<unknown[]>] => [
    events,
    () => stateSlices(objects.room(roomId), { viewer: requester.userId }),
  ])
  return { byRoom, slices: new Map(slices) }
}

function grouped(byValue: Record<string, SearchGroup> | undefined) {
  const groups = Object.entries(byValue ?? {}).map(([value, { results, order, next }]) => [
    value,
    { results, order, ...(next === undefined ? {} : { next_batch: writePageToken(next) }) },
  ])
  return Object.fromEntries(groups)
}
