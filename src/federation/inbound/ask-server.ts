/** What a Room's needs ask of other servers: missing events, the state before one, single events. */
import type { Need } from '../../objects/room/federation.ts'
import type { FederationClient } from '../../ports/federation.ts'
import { canonicalJson } from '../../protocol/events/canonical-json.ts'
import type { RequestKind } from '../../protocol/federation/requests.ts'
import { isEventId } from '../../protocol/identifiers.ts'
import { integerField } from '../../protocol/json-fields.ts'
import { elementsIn, idListsIn, objectIn } from '../answers.ts'
import { ServerFailure } from '../server-failure.ts'

const V1 = '/_matrix/federation/v1'
const MISSING_AT_ONCE = 20
/** Of a state and its auth chain. */
const MOST_IDS = 100_000

export interface AskedServer {
  client: FederationClient
  serverName: string
  roomId: string
  /** How much time there is for it, ms; absent: as much as the request itself may take. */
  withinMs?: number
}

/** @throws ServerFailure */
async function textOf(
  { client, serverName, withinMs }: AskedServer,
  kind: RequestKind,
  uri: string,
  content?: string,
): Promise<string> {
  const { text } = await client.ask({
    kind,
    destination: serverName,
    uri: `${V1}/${uri}`,
    ...(content !== undefined && { content }),
    ...(withinMs !== undefined && { withinMs }),
  })
  return text
}

/** Events between those that the room has and those it was sent, each as its JSON. @throws ServerFailure */
export async function missingEvents(
  server: AskedServer,
  { latest, earliest, minDepth }: Need & { kind: 'missing' },
): Promise<string[]> {
  const content = canonicalJson({
    latest_events: latest,
    earliest_events: earliest,
    limit: MISSING_AT_ONCE,
    min_depth: Math.max(0, minDepth),
  })
  const uri = `get_missing_events/${encodeURIComponent(server.roomId)}`
  return elementsIn(await textOf(server, 'get_missing_events', uri, content), 'events', MISSING_AT_ONCE)
}

/** These events and those before them, each as its JSON. @throws ServerFailure */
export async function history(
  server: AskedServer,
  eventIds: readonly string[],
  limit: number,
): Promise<string[]> {
  const named = eventIds.map((eventId) => `v=${encodeURIComponent(eventId)}&`).join('')
  const uri = `backfill/${encodeURIComponent(server.roomId)}?${named}limit=${limit}`
  return elementsIn(await textOf(server, 'backfill', uri), 'pdus', limit)
}

export interface Moment {
  eventId: string
  /** ms */
  at: number
}

/** The event nearest to a moment. Server-Server API §timestamp_to_event. @throws ServerFailure */
export async function momentThere(
  server: AskedServer,
  { ts, dir }: { ts: number; dir: 'f' | 'b' },
): Promise<Moment> {
  const uri = `timestamp_to_event/${encodeURIComponent(server.roomId)}?ts=${ts}&dir=${dir}`
  const answer = objectIn(await textOf(server, 'timestamp_to_event', uri))
  const { event_id: eventId } = answer
  const at = integerField(answer.origin_server_ts)
  if (typeof eventId !== 'string' || !isEventId(eventId) || at === undefined) throw new ServerFailure('unfit')
  return { eventId, at }
}

/** The ids of the state before an event, and of its auth chain. @throws ServerFailure */
export async function stateIds(
  server: AskedServer,
  eventId: string,
): Promise<{ pduIds: string[]; authChainIds: string[] } | 'too large'> {
  const uri = `state_ids/${encodeURIComponent(server.roomId)}?event_id=${encodeURIComponent(eventId)}`
  const lists = idListsIn(await textOf(server, 'state_ids', uri), ['pdu_ids', 'auth_chain_ids'], MOST_IDS)
  if (lists === 'too many') return 'too large'
  return { pduIds: lists.get('pdu_ids')!, authChainIds: lists.get('auth_chain_ids')! }
}

/** One event. @throws ServerFailure */
export async function singleEvent(server: AskedServer, eventId: string): Promise<string | undefined> {
  const uri = `event/${encodeURIComponent(eventId)}`
  return elementsIn(await textOf(server, 'event', uri), 'pdus', 1)[0]
}

/** The id of the newest event before a time (ms). @throws ServerFailure */
export async function eventBefore(server: AskedServer, ts: number): Promise<string> {
  return (await momentThere(server, { ts, dir: 'b' })).eventId
}
