/** What the client is given, and what it tells its listeners. */

export type Json = Record<string, unknown>

/** An event of a room, as clients see it. */
export interface MatrixEvent {
  type: string
  sender: string
  content: Json
  event_id: string
  origin_server_ts: number
  state_key?: string
  unsigned?: Json
}

/** The parts of `GET /sync` that this client reads; the rest is there too. */
export interface SyncBody extends Json {
  next_batch: string
  rooms?: { join?: Record<string, RoomPart>; invite?: Record<string, Json>; leave?: Record<string, RoomPart> }
  presence?: { events: { type: string; sender: string; content: Json }[] }
  to_device?: { events: { type: string; sender: string; content: Json }[] }
}

export interface RoomPart extends Json {
  state?: { events: MatrixEvent[] }
  timeline?: { events: MatrixEvent[]; limited?: boolean; prev_batch?: string }
  ephemeral?: { events: { type: string; content: Json }[] }
}

/** By the name of the event, what its listeners are given. */
export interface Events {
  /** The stream is open; `again` when it was open before. */
  open: { userId: string; deviceId: string; again: boolean }
  /** A whole increment, before anything else is told of it. It is acknowledged when all listeners are done with it. */
  sync: SyncBody
  /** The position to go on from, once its increment is acknowledged: store it beside what you have made of that. */
  position: string
  /** An event of a timeline. */
  event: { roomId: string; event: MatrixEvent }
  /** State of a room that no timeline shows. */
  state: { roomId: string; event: MatrixEvent }
  /** The user has come into a room, was invited, or is no longer there. */
  room: { roomId: string; membership: 'join' | 'invite' | 'leave' }
  /** Who is typing in a room now. */
  typing: { roomId: string; userIds: string[] }
  /** Somebody has read up to an event. */
  receipt: { roomId: string; eventId: string; userId: string; type: string }
  presence: { userId: string; presence: string; statusMsg?: string; currentlyActive?: boolean }
  message: { sender: string; type: string; content: Json }
  /** The connection is lost, and the next try comes in so many ms. */
  retry: { inMs: number; code: number; reason: string }
  /** The stream is over, and is not tried again: the code says why. */
  end: { code: number; reason: string }
  /** Something went wrong that ends nothing: a message was refused, or a listener threw. */
  error: unknown
}

export interface StreamClientOptions {
  /** Where the homeserver is, such as `https://matrix.example.org`. */
  url: string
  /** An access token of the user. Asked anew for each connection, and before the last one expires. */
  token: () => string | Promise<string>
  /** The position to go on from; without it everything is told from the beginning. */
  since?: string
  /** A filter of /sync: an id, or the filter itself. */
  filter?: string | Json
  /** What the user is while the stream is open; `offline` says nothing. */
  presence?: 'online' | 'unavailable' | 'offline'
  /** Between two pings, ms. */
  pingMs?: number
  /** In place of the global ones, such as the package `ws` in Node 20. */
  WebSocket?: typeof WebSocket
  fetch?: typeof fetch
  /** In place of Math.random, for the jitter. */
  random?: () => number
}
