/** Client-Server API §Filtering: reading a filter, and asking it what a client wants to see. */
import * as z from 'zod'
import { MatrixError } from '../errors.ts'
import type { JsonObject } from '../events/canonical-json.ts'
import { isUserId } from '../identifiers.ts'
import { issueSentence } from '../issue-sentence.ts'
import { objectField } from '../json-fields.ts'
import { isCovered, isListed, listFault } from './name-list.ts'

export { eventWithFields, selectEventFields } from '../events/event-fields.ts'

/** Each event of a room is held against these. */
const listOf = (entry: z.ZodType<string>) =>
  z.array(entry).superRefine((list, context) => {
    const fault = listFault(list)
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
  })
const userIds = listOf(z.string().refine(isUserId, 'not a user ID'))
const roomIds = listOf(z.string().startsWith('!', 'not a room ID'))
const strings = listOf(z.string())

export const EventFilter = z.object({
  limit: z.int().min(0).optional(),
  types: strings.optional(),
  not_types: strings.optional(),
  senders: userIds.optional(),
  not_senders: userIds.optional(),
})
export type EventFilter = z.infer<typeof EventFilter>

export const RoomEventFilter = EventFilter.extend({
  rooms: roomIds.optional(),
  not_rooms: roomIds.optional(),
  contains_url: z.boolean().optional(),
  lazy_load_members: z.boolean().optional(),
  include_redundant_members: z.boolean().optional(),
  unread_thread_notifications: z.boolean().optional(),
  'org.matrix.msc3773.unread_thread_notifications': z.boolean().optional(),
  'org.matrix.msc3874.rel_types': strings.optional(),
  'org.matrix.msc3874.not_rel_types': strings.optional(),
})
export type RoomEventFilter = z.infer<typeof RoomEventFilter>

export const RoomFilter = z.object({
  rooms: roomIds.optional(),
  not_rooms: roomIds.optional(),
  include_leave: z.boolean().optional(),
  account_data: RoomEventFilter.optional(),
  ephemeral: RoomEventFilter.optional(),
  state: RoomEventFilter.optional(),
  timeline: RoomEventFilter.optional(),
})
export type RoomFilter = z.infer<typeof RoomFilter>

export const Filter = z.object({
  event_fields: strings.optional(),
  event_format: z.enum(['client', 'federation']).optional(),
  account_data: EventFilter.optional(),
  presence: EventFilter.optional(),
  room: RoomFilter.optional(),
})
export type Filter = z.infer<typeof Filter>

const DEFAULT_TIMELINE_LIMIT = 20
const MAX_TIMELINE_LIMIT = 1000

/** @throws MatrixError M_BAD_JSON when a field has the wrong type; unknown fields are left out */
export function parseFilter(json: unknown): Filter {
  return parse(Filter, json)
}

/** A filter for one kind of event, as /messages and /context take it. Fails as `parseFilter` does. */
export function parseRoomEventFilter(json: unknown): RoomEventFilter {
  return parse(RoomEventFilter, json)
}

/** Whether an event of a room is wanted. */
export function matchesRoomEvent(
  filter: RoomEventFilter | undefined,
  event: { type: string; sender: string; content: JsonObject },
  roomId: string,
): boolean {
  if (filter === undefined) return true
  return (
    matchesEvent(filter, event) &&
    admits(filter.rooms, filter.not_rooms, roomId) &&
    (filter.contains_url === undefined || filter.contains_url === (event.content.url !== undefined)) &&
    admits(
      filter['org.matrix.msc3874.rel_types'],
      filter['org.matrix.msc3874.not_rel_types'],
      objectField(event.content['m.relates_to'])?.rel_type,
    )
  )
}

/** What keeps events from a timeline; its other keys are about members and counts. */
const SELECTING = [
  'types',
  'not_types',
  'senders',
  'not_senders',
  'rooms',
  'not_rooms',
  'contains_url',
  'org.matrix.msc3874.rel_types',
  'org.matrix.msc3874.not_rel_types',
] as const

/**
 * Whether a timeline's filter may keep changes of state from it. The state then tells such a client of them, however
 * late they came, since it would never learn of them otherwise.
 */
export function hidesState(timeline: RoomEventFilter | undefined): boolean {
  return timeline !== undefined && SELECTING.some((key) => timeline[key] !== undefined)
}

/** Whether a room's data is wanted at all. */
export function wantsRoom(filter: RoomFilter | undefined, roomId: string): boolean {
  return filter === undefined || admits(filter.rooms, filter.not_rooms, roomId)
}

/** Whether an event outside rooms is wanted: account data, presence. */
export function matchesEvent(
  filter: EventFilter | undefined,
  event: { type: string; sender?: string },
): boolean {
  if (filter === undefined) return true
  return (
    !(filter.not_types && isCovered(filter.not_types, event.type)) &&
    (filter.types === undefined || isCovered(filter.types, event.type)) &&
    admits(filter.senders, filter.not_senders, event.sender)
  )
}

/** How many timeline events a room may bring. */
export function timelineLimit(filter: Filter | undefined): number {
  return Math.min(filter?.room?.timeline?.limit ?? DEFAULT_TIMELINE_LIMIT, MAX_TIMELINE_LIMIT)
}

function parse<T>(schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new MatrixError(
    'M_BAD_JSON',
    `The filter is not right: ${issue === undefined ? 'it fits no schema' : issueSentence(issue)}`,
  )
}

/** Exclusion wins over inclusion; a list that is absent says nothing, an empty one admits nothing. */
function admits(included: string[] | undefined, excluded: string[] | undefined, value: unknown): boolean {
  const names = (list: string[]) => isListed(list, value)
  return !(excluded && names(excluded)) && (included === undefined || names(included))
}
