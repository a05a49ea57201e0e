/** What other servers read of a Room, and how they have their users join and leave through it. */
import type { JsonObject } from '../../protocol/events/canonical-json.ts'
import type { ReceivedEvent } from './federation.ts'

/** A part of the events that a server asked for by their ids. */
export interface PduSlice {
  /** The JSON of each, as it was signed. */
  pdus: string[]
  /** How many of the ids this part stands for: some may not be here. */
  taken: number
}

/** The state before an event, with or without its members. */
export interface StateIdsRequest {
  origin: string
  eventId: string
  /** Without member events, but for those that name the room for this user. */
  forJoiner?: string
}

/** The state before an event, and what its events rely on. */
export interface StateIds {
  pduIds: string[]
  authChainIds: string[]
}

export interface BackfillRequest {
  origin: string
  /** What the walk begins with; they are part of the answer. */
  eventIds: string[]
  limit: number
}

export interface MissingEventsRequest {
  origin: string
  /** What the server has: the walk goes back from here, and these are no part of the answer. */
  latest: string[]
  /** What the walk stops at. */
  earliest: string[]
  limit: number
  minDepth: number
}

/** What a member event made by this server for another one may say. */
export type ResidentMembership = 'join' | 'leave' | 'knock'

export interface TemplateRequest {
  origin: string
  userId: string
  membership: ResidentMembership
  /** The room versions that the server knows; undefined: it did not say. */
  versions?: readonly string[]
  /** Of the rooms that a restricted room names: those in which the user is, and whether each could be asked. */
  allowRooms?: { joined: string[]; isKnown: boolean }
}

/** A member event as the user's server signs it. */
export interface EventTemplate {
  roomVersion: string
  event: JsonObject
}

export interface AdmitRequest {
  origin: string
  membership: ResidentMembership
  /** As the user's server signed it, and checked so far as the room is not needed. */
  event: ReceivedEvent
}

/** What the user's server is told besides the state. */
export interface Admitted {
  /** Of a join: the servers that took part before it. */
  servers: string[]
  /** Of a knock: the events that show what the room is, with the signatures of their servers. */
  previewPdus: string[]
}
