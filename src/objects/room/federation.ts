/** What a Room and the Workers say to each other about events of other servers. The Room never calls the network. */

/** What a server is told of a room before its events are looked at. */
export interface FederationFacts {
  /** The room's version: the checks that come before the Room's need it. */
  version: string
  /** Whether the room's list of servers (m.room.server_acl) lets the server take part. */
  allowed: boolean
  /** Whether a user of the server is joined. */
  inRoom: boolean
}

/** An event that has passed steps 1 to 3 of its receipt: format, signatures and content hash. */
export interface ReceivedEvent {
  eventId: string
  /** The event's canonical JSON without `unsigned`, exact: versions below 6 have numbers that JSON.parse loses. */
  json: string
  /** Its content hash was wrong, and `json` is its redacted form. */
  isRedacted: boolean
}

/** What `/state_ids` answered of an event: the state before it. */
export interface SuppliedState {
  eventId: string
  pduIds: string[]
  authChainIds: string[]
}

/** What was fetched because of the needs of an earlier answer. */
export interface Supplied {
  /** Events by get_missing_events, /event, /event_auth or /state. */
  events?: ReceivedEvent[]
  /**
   * Given again with every call until the Room needs it no more: the Room keeps events, and no lists. One `state` need
   * is answered at a time where the lists are large.
   */
  states?: SuppliedState[]
  /** The `latest` of `missing` needs that were answered: what is still missing behind them is asked by state. */
  asked?: string[]
  /** Events that no server gave, or whose signatures are wrong. */
  unavailable?: string[]
}

export interface ReceiveRequest {
  /** The server that sent the events. */
  origin: string
  /** In the order in which they were sent. None: the Room goes on with what it has staged. */
  events: ReceivedEvent[]
  supplied?: Supplied
}

export type Need =
  /** Events between `earliest` and `latest`, neither included: for get_missing_events. */
  | { kind: 'missing'; latest: string[]; earliest: string[]; minDepth: number }
  /** The state before an event that has come, for /state_ids: not all of what it follows on is to be had. */
  | { kind: 'state'; eventId: string }
  /** Single events, for /event: auth events, or events of a supplied state. */
  | { kind: 'events'; eventIds: string[] }

/** What became of an event. */
export interface ReceivedVerdict {
  /** Why the event is rejected; absent where it was taken, soft-failed events included. */
  error?: string
}

export interface ReceiveAnswer {
  /** By event id; what is not in it is staged: it is taken up by the next call, or by the Room's timer. */
  done: Record<string, ReceivedVerdict>
  /** What must be fetched for the rest. */
  needs: Need[]
  /** The call's time was over before its work: call again, with what was supplied. The Room's alarm goes on as well. */
  more: boolean
  /** How many of the room's events are still staged, of all origins. */
  staged: number
  /** How many staged events went because of their bounds; absent: none. */
  dropped?: number
  /** When the Room goes on by itself with events that are staged since it has resolved much; absent: there are none. */
  restsUntil?: number
}

/**
 * A room of another server that a local user joins: what send_join answered. An answer that is too large for a call comes
 * in several, of which the last one has `finish`. Only then is there a room.
 */
export interface RemoteJoin {
  roomVersion: string
  /** The state before the join and the auth chains, in any order, each event once. */
  events: ReceivedEvent[]
  finish?: {
    /** The join event, signed by this server, and by the resident one where the join rules ask for that. */
    join: ReceivedEvent
    /** The state before the join. Ids whose events are not there are left out of the state. */
    stateIds: string[]
  }
}

/** An invite of a user of another server, before that server has signed it. */
export interface PreparedInvite {
  eventId: string
  json: string
  roomVersion: string
  /** The events that the receiver may see of the room, each as its JSON. */
  inviteState: string[]
}
