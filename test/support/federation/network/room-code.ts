/** What Workers, alarms and other servers ask of a Room: the product's functions, for a Room on Node. */
import type { CreateRoomPlan } from '../../../../src/objects/room/create.ts'
import type {
  FederationFacts,
  PreparedInvite,
  ReceiveAnswer,
  ReceivedEvent,
  ReceiveRequest,
  RemoteJoin,
} from '../../../../src/objects/room/federation.ts'
import type {
  AdmitRequest,
  Admitted,
  BackfillRequest,
  EventTemplate,
  MissingEventsRequest,
  PduSlice,
  StateIds,
  StateIdsRequest,
  TemplateRequest,
} from '../../../../src/objects/room/for-servers.ts'
import type { OutgoingEvents, OutgoingRequest } from '../../../../src/objects/room/outgoing.ts'
import type { MembershipRequest, SendRequest } from '../../../../src/objects/room/send.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { type Change, load, type Room } from '../node-room.ts'

type Mark = { roomId: string; from: number; upTo: number }

/** A Destination's queue, over any storage. */
export interface Queue {
  mark(mark: Mark): void
  rouse(): void
  isLeft(): boolean
  run(): Promise<number | undefined>
}
interface QueueParts {
  storage: object
  serverName: string
  eventsOf: (roomId: string, request: OutgoingRequest) => Promise<OutgoingEvents>
  send: (events: readonly string[]) => Promise<void>
  arm: (at: number) => void
  now: () => number
  chance: () => number
  failed: () => void
}

/** What tells the Destinations of a room. */
export interface Teller {
  isLeft(): boolean
  run(): Promise<number | undefined>
}
interface TellerParts {
  store: Room['store']
  serverName: string
  mark: (serverName: string, mark: Mark) => Promise<void>
  markMany: (marks: readonly { serverName: string; mark: Mark }[]) => Promise<void>
  now: () => number
}

const READ = 'room/read/federation'

export const { federationFacts } = await load<{
  federationFacts(room: Room, serverName: string): FederationFacts
}>(`${READ}/facts.ts`)
export const { backfill, missingEvents } = await load<{
  backfill(room: Room, request: BackfillRequest): string[]
  missingEvents(room: Room, request: MissingEventsRequest): string[]
}>(`${READ}/history.ts`)
export const { outgoingEvents, serversIn } = await load<{
  outgoingEvents(room: Room, request: OutgoingRequest): OutgoingEvents
  serversIn(room: Room): string[]
}>(`${READ}/outgoing.ts`)
export const { pduFor, pdusFor } = await load<{
  pduFor(room: Room, origin: string, eventId: string): string
  pdusFor(room: Room, origin: string, eventIds: readonly string[]): PduSlice
}>(`${READ}/pdus.ts`)
export const { stateIdsFor } = await load<{ stateIdsFor(room: Room, request: StateIdsRequest): StateIds }>(
  `${READ}/state-ids.ts`,
)
export const { gapsBetween } = await load<{
  gapsBetween(sql: Room['store']['sql'], from: number, to: number, limit: number): string[]
}>('room/rows/federation/gaps.ts')
export const { createRoom } = await load<{
  createRoom(change: Change, create: Pdu, version: string, plan: CreateRoomPlan): string
}>('room/write/create.ts')
export const { memberTemplate } = await load<{
  memberTemplate(room: Room, request: TemplateRequest): EventTemplate
}>('room/write/resident/template.ts')
export const { admit } = await load<{ admit(change: Change, request: AdmitRequest): Admitted }>(
  'room/write/resident/admit.ts',
)
export const { receive } = await load<{ receive(change: Change, request: ReceiveRequest): ReceiveAnswer }>(
  'room/write/receive/receive.ts',
)
export const { send } = await load<{ send(change: Change, request: SendRequest): string }>(
  'room/write/send.ts',
)
export const { changeMembership } = await load<{
  changeMembership(change: Change, request: MembershipRequest): string | undefined
}>('room/write/membership.ts')
export const { joinRemote } = await load<{
  joinRemote(change: Change, roomId: string, part: RemoteJoin): void
}>('room/write/receive/remote-join.ts')
export const { appendInvite, prepareInvite } = await load<{
  appendInvite(change: Change, invite: ReceivedEvent): void
  prepareInvite(room: Room, request: MembershipRequest): PreparedInvite | undefined
}>('room/write/outgoing-invite.ts')

const { Queue: QueueOf } = await load<{ Queue: new (parts: QueueParts) => Queue }>('destination/queue.ts')
const { DestinationTeller } = await load<{ DestinationTeller: new (parts: TellerParts) => Teller }>(
  'room/tell/destinations.ts',
)
const { DESTINATION_MIGRATIONS } = await load<{ DESTINATION_MIGRATIONS: readonly string[] }>(
  'destination/rows/schema.ts',
)
const { lazyStorage } = await load<{
  lazyStorage(storage: object, migrations: readonly string[], begin: () => void): object
}>('sqlite.ts')

/** The queue of a Destination that has come to memory over these tables. */
export function queueOver({ storage, ...parts }: QueueParts): Queue {
  return new QueueOf({ ...parts, storage: lazyStorage(storage, DESTINATION_MIGRATIONS, () => {}) })
}

export const tellerOver = (parts: TellerParts): Teller => new DestinationTeller(parts)
