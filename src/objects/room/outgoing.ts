/** What a Room hands to a Destination: the events that this server has to tell another one. */

export interface OutgoingRequest {
  serverName: string
  /** Events after this position. */
  after: number
  limit: number
  /** The server was away: of a room with very many events it is told the newest, and asks for the others itself. */
  afterOutage: boolean
}

export interface OutgoingEvents {
  /** As canonical JSON, oldest first. */
  events: string[]
  /** Everything up to this position is among them, or is not for the server. */
  upTo: number
  more: boolean
}
