/** Waiting clients: hibernating sockets that carry everything an answer needs, so that the object may sleep. */
import type { Session } from '../../src/ports.ts'
import type { SyncQuery } from './room-sections.ts'

/** What a socket's attachment holds: all that is known of a poll after an eviction. */
export interface Poll {
  session: Session
  token: string
  /** As the client gave it: an id, or inline JSON. */
  filter?: string
  stateAfter: boolean
}

export interface WaitingSocket {
  socket: WebSocket
  poll: Poll
  /** What the poll asks for, once it has been parsed in this incarnation. */
  query?: SyncQuery
  /** Rooms are being asked for it. */
  busy: boolean
}

export class Sockets {
  readonly #ctx: DurableObjectState
  readonly #waiting = new Map<WebSocket, WaitingSocket>()

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx
    for (const socket of ctx.getWebSockets()) {
      const poll = socket.deserializeAttachment() as Poll | null
      if (poll !== null) this.#waiting.set(socket, { socket, poll, busy: false })
    }
  }

  get size(): number {
    return this.#waiting.size
  }

  all(): WaitingSocket[] {
    return [...this.#waiting.values()]
  }

  /** Opens a socket that waits. Answers the Worker's end, with the token to give when its time is over. */
  open(poll: Poll, query: SyncQuery): Response {
    const { 0: client, 1: server } = new WebSocketPair()
    this.#ctx.acceptWebSocket(server)
    server.serializeAttachment(poll)
    this.#waiting.set(server, { socket: server, poll, query, busy: false })
    return new Response(null, {
      status: 101,
      webSocket: client,
      headers: { 'x-sync-token': poll.token },
    })
  }

  /** Gives the whole answer; the socket waits no more. */
  answer(waiting: WaitingSocket, body: string): void {
    this.#waiting.delete(waiting.socket)
    waiting.socket.serializeAttachment(null)
    waiting.socket.send(`r${body}`)
  }

  /** Nothing the client wants to see has happened, but its place has moved. */
  advance(waiting: WaitingSocket, token: string): void {
    if (waiting.poll.token === token) return
    waiting.poll = { ...waiting.poll, token }
    waiting.socket.serializeAttachment(waiting.poll)
    waiting.socket.send(`t${token}`)
  }

  /** The Worker has closed its end. */
  closed(socket: WebSocket): void {
    this.#waiting.delete(socket)
  }

  /** Ends the polls of sessions that are over: their Workers ask again, and are refused. */
  endSessions(sessionIds: ReadonlySet<string>): void {
    for (const { socket, poll } of this.all()) {
      if (!sessionIds.has(poll.session.sessionId)) continue
      this.#waiting.delete(socket)
      socket.close(1000, 'The session is over')
    }
  }
}
