/** What other servers ask of a Room, and its answers: the Worker knows which server asks. */
import type { FederationFacts } from '../../../../src/objects/room/federation.ts'
import type {
  BackfillRequest,
  MissingEventsRequest,
  PduSlice,
  StateIds,
  StateIdsRequest,
} from '../../../../src/objects/room/for-servers.ts'
import { rpcTable } from '../../../rpc-table.ts'
import type { ReadDesk } from '../../desk.ts'
import { missingHistory } from '../timeline.ts'
import { federationFacts, isJoinedHere } from './facts.ts'
import { backfill, missingEvents } from './history.ts'
import { momentFor } from './moment.ts'
import { pduFor, pdusFor } from './pdus.ts'
import { authChainFor, stateIdsFor } from './state-ids.ts'

const reads = { session: 'none', repeatable: true } as const
const readsMuch = { ...reads, large: true } as const

export const serverReadRpc = rpcTable<ReadDesk>()({
  /** What decides whether a server's events are looked at. */
  federationFacts: {
    ...reads,
    run: ({ room }, serverName: string): FederationFacts => federationFacts(room, serverName),
  },

  /** Whether a user is joined, where a user of this server is: otherwise the room may have moved on elsewhere. */
  isJoinedHere: {
    ...reads,
    run: ({ room }, userId: string): boolean => isJoinedHere(room, userId),
  },

  pdu: {
    ...reads,
    run: ({ room }, origin: string, eventId: string): string => pduFor(room, origin, eventId),
  },

  /** State events and events of auth chains, a part of them. */
  pdus: {
    ...readsMuch,
    run: ({ room }, origin: string, eventIds: string[]): PduSlice => pdusFor(room, origin, eventIds),
  },

  /** The state before an event. */
  stateIds: {
    ...readsMuch,
    run: ({ room }, request: StateIdsRequest): StateIds => stateIdsFor(room, request),
  },

  authChain: {
    ...readsMuch,
    run: ({ room }, origin: string, eventId: string): string[] => authChainFor(room, origin, eventId),
  },

  backfill: {
    ...readsMuch,
    run: ({ room }, request: BackfillRequest): string[] => backfill(room, request),
  },

  missingEvents: {
    ...readsMuch,
    run: ({ room }, request: MissingEventsRequest): string[] => missingEvents(room, request),
  },

  /** Events that the room lacks, the newest first, as many as one request for history names. */
  missingHistory: { ...reads, run: ({ room }): string[] => missingHistory(room) },

  momentForServer: {
    ...reads,
    run: (
      { room },
      origin: string,
      moment: { ts: number; dir: 'f' | 'b' },
    ): { event_id: string; origin_server_ts: number } => momentFor(room, origin, moment),
  },
})
