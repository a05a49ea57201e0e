/** What a Room's needs ask of other servers: missing events, the state before one, single events. */
import type { Need } from '../../objects/room/federation.ts'
import type { FederationClient } from '../../ports/federation.ts'
import { canonicalJson, type JsonObject, type JsonValue } from '../../protocol/events/canonical-json.ts'
import { parseExactJson } from '../../protocol/events/exact-json.ts'
import { objectField } from '../../protocol/json-fields.ts'

const V1 = '/_matrix/federation/v1'
const TIMEOUT_MS = 10_000
/** An event has 64 KiB, and an answer at most so many. */
const MISSING_AT_ONCE = 20
const LARGEST_EVENTS = 4 * 1024 * 1024
const LARGEST_HISTORY = 8 * 1024 * 1024
/** Ids of a state of 50,000 events and its auth chain. */
const LARGEST_IDS = 8 * 1024 * 1024
const MOST_IDS = 100_000
/** An id and a time. */
const LARGEST_MOMENT = 16 * 1024

export interface AskedServer {
  client: FederationClient
  serverName: string
  roomId: string
}

/** Events between those that the room has and those it was sent, each as JSON without a number lost. @throws ServerFailure */
export async function missingEvents(
  { client, serverName, roomId }: AskedServer,
  { latest, earliest, minDepth }: Need & { kind: 'missing' },
): Promise<string[]> {
  const { text } = await client.ask({
    destination: serverName,
    method: 'POST',
    uri: `${V1}/get_missing_events/${encodeURIComponent(roomId)}`,
    content: canonicalJson({
      latest_events: latest,
      earliest_events: earliest,
      limit: MISSING_AT_ONCE,
      min_depth: Math.max(0, minDepth),
    }),
    timeoutMs: TIMEOUT_MS,
    maxBytes: LARGEST_EVENTS,
  })
  return textsIn(exactly(text)?.events).slice(0, MISSING_AT_ONCE)
}

/** These events and those before them, each as JSON without a number lost. @throws ServerFailure */
export async function history(
  { client, serverName, roomId }: AskedServer,
  eventIds: readonly string[],
  limit: number,
): Promise<string[]> {
  const named = eventIds.map((eventId) => `v=${encodeURIComponent(eventId)}&`).join('')
  const { text } = await client.ask({
    destination: serverName,
    method: 'GET',
    uri: `${V1}/backfill/${encodeURIComponent(roomId)}?${named}limit=${limit}`,
    timeoutMs: TIMEOUT_MS,
    maxBytes: LARGEST_HISTORY,
  })
  return textsIn(exactly(text)?.pdus).slice(0, limit)
}

export interface Moment {
  eventId: string
  /** ms */
  at: number
}

/** The event nearest to a moment. Server-Server API §timestamp_to_event. @throws ServerFailure */
export async function momentThere(
  { client, serverName, roomId }: AskedServer,
  { ts, dir }: { ts: number; dir: 'f' | 'b' },
): Promise<Moment | undefined> {
  const { text } = await client.ask({
    destination: serverName,
    method: 'GET',
    uri: `${V1}/timestamp_to_event/${encodeURIComponent(roomId)}?ts=${ts}&dir=${dir}`,
    timeoutMs: TIMEOUT_MS,
    maxBytes: LARGEST_MOMENT,
  })
  const { event_id: eventId, origin_server_ts: at } = plainly(text) ?? {}
  return typeof eventId === 'string' && typeof at === 'number' ? { eventId, at } : undefined
}

/** The ids of the state before an event, and of its auth chain; undefined: that is no state. @throws ServerFailure */
export async function stateIds(
  { client, serverName, roomId }: AskedServer,
  eventId: string,
): Promise<{ pduIds: string[]; authChainIds: string[] } | 'too large' | undefined> {
  const { text } = await client.ask({
    destination: serverName,
    method: 'GET',
    uri: `${V1}/state_ids/${encodeURIComponent(roomId)}?event_id=${encodeURIComponent(eventId)}`,
    timeoutMs: TIMEOUT_MS,
    maxBytes: LARGEST_IDS,
  })
  const answer = exactly(text)
  const pduIds = idsIn(answer?.pdu_ids)
  const authChainIds = idsIn(answer?.auth_chain_ids)
  if (pduIds === undefined || authChainIds === undefined) return undefined
  return pduIds.length + authChainIds.length > MOST_IDS ? 'too large' : { pduIds, authChainIds }
}

/** One event. @throws ServerFailure */
export async function singleEvent(
  { client, serverName }: AskedServer,
  eventId: string,
): Promise<string | undefined> {
  const { text } = await client.ask({
    destination: serverName,
    method: 'GET',
    uri: `${V1}/event/${encodeURIComponent(eventId)}`,
    timeoutMs: TIMEOUT_MS,
    maxBytes: LARGEST_EVENTS,
  })
  return textsIn(exactly(text)?.pdus)[0]
}

/** The id of the newest event before a time (ms). @throws ServerFailure */
export async function eventBefore(server: AskedServer, ts: number): Promise<string | undefined> {
  return (await momentThere(server, { ts, dir: 'b' }))?.eventId
}

/** The events of a list, each as canonical JSON in which no number is lost. */
export function textsIn(events: JsonValue | undefined): string[] {
  if (!Array.isArray(events)) return []
  return events
    .filter((event) => objectField(event) !== undefined)
    .map((event) => canonicalJson(event, 'any'))
}

/** Of answers in which no event is: their numbers are numbers. */
function plainly(text: string): JsonObject | undefined {
  try {
    return objectField(JSON.parse(text))
  } catch {
    return undefined
  }
}

function exactly(text: string): JsonObject | undefined {
  try {
    return objectField(parseExactJson(text))
  } catch {
    return undefined
  }
}

function idsIn(ids: JsonValue | undefined): string[] | undefined {
  if (!Array.isArray(ids) || !ids.every((id) => typeof id === 'string')) return undefined
  return ids
}
