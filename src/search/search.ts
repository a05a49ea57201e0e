/**
 * Server side search: candidates from the index in order, of which the searcher gets those that their rooms let them
 * see.
 */

import type { VisitedRoom } from '../objects/user/sync.ts'
import type { SearchHit, SearchPlace, SearchQuery, SearchStore } from '../ports/search.ts'
import type { RoomEventFilter } from '../protocol/matching/filter.ts'
import { matchesEvent, wantsRoom } from '../protocol/matching/filter.ts'
import { SEARCH_KEYS } from './document.ts'
import { queryOf } from './terms.ts'

export type SearchKey = keyof typeof SEARCH_KEYS
export type GroupKey = 'room_id' | 'sender'

export interface Group {
  key: GroupKey
  value: string
}

/** Where a page ended, and in which list of results. */
export interface SearchToken {
  order: SearchQuery['order']
  place: SearchPlace
  /** Results shown before. */
  shown: number
  /** The token goes on in one group alone. */
  group?: Group
}

export interface SearchCriteria {
  term: string
  keys?: SearchKey[]
  filter?: RoomEventFilter
  order: SearchQuery['order']
  limit: number
  groupBy: GroupKey[]
  from?: SearchToken
}

export interface SearchWorld {
  store: SearchStore
  rooms: VisitedRoom[]
  /** Those of these events of a room that the searcher may see. */
  visible(roomId: string, eventIds: string[]): Promise<string[]>
}

export interface SearchGroup {
  results: string[]
  order: number
  next?: SearchToken
}

export interface SearchResults {
  hits: SearchHit[]
  /** At least this many were found. Events that the searcher may not see are not counted. */
  count: number
  groups: Partial<Record<GroupKey, Record<string, SearchGroup>>>
  next?: SearchToken
}

/** Candidates looked at for one page. Each room among them is asked once: an invocation has 500 calls. */
const CANDIDATES = 200

/** One page of results. */
export async function searchEvents(criteria: SearchCriteria, world: SearchWorld): Promise<SearchResults> {
  const query = searchQuery(criteria, world.rooms)
  if (query === undefined) return { hits: [], count: 0, groups: {} }
  const candidates = await world.store.find(query, CANDIDATES)
  const visible = await visibleHits(candidates, world)
  const shown = criteria.from?.shown ?? 0
  const hits = visible.slice(0, criteria.limit)
  // A full page has a next one, though that may be empty: clients count on it, as with `/messages`.
  const isFull = hits.length === criteria.limit
  const end =
    visible.length > hits.length
      ? hits.at(-1)
      : (candidates[CANDIDATES - 1] ?? (isFull ? hits.at(-1) : undefined))
  const next = end && tokenAfter(criteria, end, shown + hits.length)
  const results: SearchResults = { hits, count: shown + visible.length, groups: {} }
  if (next !== undefined) results.next = next
  const remaining =
    next !== undefined && criteria.groupBy.length > 0
      ? await world.store.remaining({ ...query, after: next.place })
      : []
  for (const key of criteria.groupBy) results.groups[key] = groupsBy(key, hits, remaining, next)
  return results
}

/** What is asked of the index; undefined where nothing can match. */
function searchQuery(criteria: SearchCriteria, visited: VisitedRoom[]): SearchQuery | undefined {
  const { filter = {}, from } = criteria
  const query = queryOf(criteria.term)
  const types = typesOf(criteria)
  const inGroup = (key: GroupKey, value: string) => from?.group?.key !== key || from.group.value === value
  const rooms = visited.filter(({ roomId }) => wantsRoom(filter, roomId) && inGroup('room_id', roomId))
  if (query === undefined || rooms.length === 0 || types.length === 0) return undefined
  const senders = from?.group?.key === 'sender' ? [from.group.value] : filter.senders
  return {
    query,
    rooms,
    types,
    order: criteria.order,
    senders: senders?.filter((sender) => filter.senders?.includes(sender) ?? true),
    notSenders: filter.not_senders,
    containsUrl: filter.contains_url,
    after: from?.place,
  }
}

function typesOf({ keys, filter }: SearchCriteria): string[] {
  const wanted = keys ?? (Object.keys(SEARCH_KEYS) as SearchKey[])
  const types = [...new Set(wanted.map((key) => SEARCH_KEYS[key]))]
  // The index takes care of senders; this is about types alone.
  const { types: only, not_types: never } = filter ?? {}
  return types.filter((type) => matchesEvent({ types: only, not_types: never }, { type }))
}

async function visibleHits(candidates: SearchHit[], world: SearchWorld): Promise<SearchHit[]> {
  const byRoom = Map.groupBy(candidates, ({ roomId }) => roomId)
  const answers = await Promise.all(
    [...byRoom].map(([roomId, hits]) =>
      world.visible(
        roomId,
        hits.map(({ eventId }) => eventId),
      ),
    ),
  )
  const seen = new Set(answers.flat())
  return candidates.filter(({ eventId }) => seen.has(eventId))
}

function tokenAfter(
  { order, from }: SearchCriteria,
  { rank, ts, eventId }: SearchPlace,
  shown: number,
): SearchToken {
  const token: SearchToken = { order, place: { rank, ts, eventId }, shown }
  return from?.group === undefined ? token : { ...token, group: from.group }
}

/** A group goes on where the page ended, if anything of it comes after that. */
function groupsBy(
  key: GroupKey,
  hits: SearchHit[],
  remaining: { roomId: string; sender: string }[],
  next: SearchToken | undefined,
): Record<string, SearchGroup> {
  const groupOf = (of: { roomId: string; sender: string }) => (key === 'room_id' ? of.roomId : of.sender)
  const left = new Set(remaining.map(groupOf))
  const groups: Record<string, SearchGroup> = {}
  let order = 0
  for (const [value, members] of Map.groupBy(hits, groupOf)) {
    order += 1
    const group: SearchGroup = { results: members.map(({ eventId }) => eventId), order }
    if (next !== undefined && left.has(value) && (next.group === undefined || next.group.key === key)) {
      group.next = { ...next, shown: members.length, group: { key, value } }
    }
    groups[value] = group
  }
  return groups
}
