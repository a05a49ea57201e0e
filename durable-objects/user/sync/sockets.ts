/** Waiting clients: hibernating sockets that carry everything an answer needs, so that the object may sleep. */
import { takeFault } from '../../../src/faults.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type { KeptPresence } from '../presence/presence.ts'
import type { Left } from './heads/left-news.ts'
import type { PollReader } from './poll-reader.ts'

/** A socket's attachment: all that is known of a poll after an eviction. */
export interface Poll {
  session: Session
  token: string
  /** The token stood at every head when this was written: an incarnation that reads it knows those heads. */
  level: boolean
  /** As the client gave it: an id, or inline JSON. */
  filter?: string
  stateAfter: boolean
  /** When it began to wait, ms; absent in older attachments. */
  begun?: number
  /** The presence of others that the user is to be told, though not at once. */
  others?: KeptPresence | undefined
  /** News that is told later. But for it the token stands at every head. `level` is false then, for earlier versions. */
  left?: Left | undefined
  /** A poll of sliding sync. */
  sliding?: SlidingPoll
}

/** What a poll of sliding sync asks for besides what its connection remembers. */
export interface SlidingPoll {
  conn: string
  /** Where the client stands in its to-device messages. */
  toDevice?: number | undefined
  txnId?: string | undefined
}

export interface WaitingSocket {
  socket: WebSocket
  poll: Poll
  /** What the poll asks for, once it has been parsed in this incarnation. */
  reader?: PollReader
  /** Rooms are being asked for it. */
  busy: boolean
}

/** Characters of presence that a poll takes along: its attachment has little room. */
const PRESENCE_LENGTH = 600

/**
 * How many of a device wait: one, and for a moment another that asks anew. Where nothing tells that a client has gone,
 * each poll that it gave up would stay until its time is over.
 */
const WAITING_OF_A_DEVICE = 3

export class Sockets {
  readonly #ctx: DurableObjectState
  readonly #check: (session: Session) => void
  readonly #waiting = new Map<WebSocket, WaitingSocket>()
  #presence: KeptPresence | undefined
  #left: Left | undefined

  constructor(ctx: DurableObjectState, check: (session: Session) => void) {
    this.#ctx = ctx
    this.#check = check
    const kept: WaitingSocket[] = []
    for (const socket of ctx.getWebSockets()) {
      // Streams have a tag: they are another class's.
      if (ctx.getTags(socket).length > 0) continue
      const poll = socket.deserializeAttachment() as Poll | null
      // The incarnation that answered it may have died before the answer left: the Worker then asks again.
      if (poll === null) socket.close(1000, 'Answered')
      else kept.push({ socket, poll: { ...poll, level: poll.level || poll.left !== undefined }, busy: false })
    }
    kept.sort((a, b) => (a.poll.begun ?? 0) - (b.poll.begun ?? 0))
    for (const waiting of kept) this.#waiting.set(waiting.socket, waiting)
    this.#presence = kept.at(-1)?.poll.others
    this.#left = kept.findLast(({ poll }) => poll.left !== undefined)?.poll.left
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Whether it waits still. */
  waits({ socket }: WaitingSocket): boolean {
    return this.#waiting.has(socket)
  }

  all(): WaitingSocket[] {
    return [...this.#waiting.values()]
  }

  /** Those for which no Room is being asked. */
  idle(): WaitingSocket[] {
    const idle: WaitingSocket[] = []
    for (const waiting of this.#waiting.values()) if (!waiting.busy) idle.push(waiting)
    return idle
  }

  /**
   * Opens a socket that waits. Answers the Worker's end, with the token and the fields (`empty`) that the Worker gives
   * to the client when the time is over. The oldest poll of a device that has too many is over now.
   * @throws MatrixError where the session has ended meanwhile: while Rooms were asked
   */
  open(asked: Poll, reader: PollReader): Response {
    this.#check(asked.session)
    this.#replace(asked)
    const poll = { ...asked, others: this.#presence }
    const { 0: client, 1: server } = new WebSocketPair()
    this.#ctx.acceptWebSocket(server)
    const waiting = { socket: server, poll, reader, busy: false }
    this.#write(waiting)
    this.#waiting.set(server, waiting)
    const ofDevice = this.#of(poll.session.deviceId)
    for (const oldest of ofDevice.slice(0, -WAITING_OF_A_DEVICE)) this.#end(oldest)
    // No fault: tests wait for this place.
    takeFault(`user:poll-waits:${poll.session.deviceId}`)
    return new Response(null, {
      status: 101,
      webSocket: client,
      headers: { 'x-sync-token': poll.token, 'x-sync-empty': JSON.stringify(reader.empty()) },
    })
  }

  /** What stands beside the token has changed, in the polls of a device that end with nothing. */
  tell(deviceId: string, readerOf: (waiting: WaitingSocket) => PollReader): void {
    for (const waiting of this.#of(deviceId))
      send(waiting.socket, `e${JSON.stringify(readerOf(waiting).empty())}`)
  }

  /** MSC4186: a client that asks anew on a connection processes no answer to what it asked before. */
  #replace({ session, sliding }: Poll): void {
    if (sliding === undefined) return
    for (const other of this.#of(session.deviceId))
      if (other.poll.sliding?.conn === sliding.conn) this.#end(other)
  }

  /** What is kept with the polls that wait, and was kept with those of an earlier incarnation. */
  get presence(): KeptPresence | undefined {
    return this.#presence
  }

  /** Keeps presence with the polls that wait, and with those to come. Answers whether there is one, and room in it. */
  keepPresence(presence: KeptPresence | undefined): boolean {
    const fits = this.size > 0 && JSON.stringify(presence ?? '').length <= PRESENCE_LENGTH
    this.#presence = fits ? presence : undefined
    for (const waiting of this.#waiting.values()) {
      waiting.poll = { ...waiting.poll, others: this.#presence }
      this.#write(waiting)
    }
    return fits
  }

  /** What is told later, as it was kept with the polls of an earlier incarnation, or since. */
  get left(): Left | undefined {
    return this.#left
  }

  keepLeft(left: Left | undefined): void {
    if (left === undefined && this.#left === undefined) return
    this.#left = left
    for (const waiting of this.#waiting.values()) this.#write(waiting)
  }

  #write({ socket, poll }: WaitingSocket): void {
    const left = poll.level ? this.#left : undefined
    socket.serializeAttachment({ ...poll, level: poll.level && left === undefined, left })
  }

  /** Gives the whole answer; the socket waits no more. */
  answer(waiting: WaitingSocket, body: string): void {
    if (!this.#waiting.delete(waiting.socket)) return
    waiting.socket.serializeAttachment(null)
    send(waiting.socket, `r${body}`)
  }

  /** The answer is too long for a message of a socket: the Worker asks again, and gets it as a body. */
  refuse(waiting: WaitingSocket): void {
    const { socket } = waiting
    if (!this.#waiting.delete(socket)) return
    socket.serializeAttachment(null)
    socket.close(1000, 'Ask again')
  }

  /** Nothing has happened that the client wants to see, but its place may have moved. */
  advance(waiting: WaitingSocket, token: string, level: boolean): void {
    const { socket, poll } = waiting
    const moves = poll.token !== token
    if (!this.#waiting.has(socket) || (!moves && poll.level === level)) return
    waiting.poll = { ...poll, token, level }
    this.#write(waiting)
    if (moves) send(socket, `t${token}`)
  }

  /** The Worker gives the client its empty answer, as when the time is over; this object has nothing more to do with it. */
  #end({ socket }: WaitingSocket): void {
    this.#waiting.delete(socket)
    socket.serializeAttachment(null)
    send(socket, 'n')
  }

  /** Those of a device, oldest first. */
  #of(deviceId: string): WaitingSocket[] {
    return this.all().filter(({ poll }) => poll.session.deviceId === deviceId)
  }

  /** The Worker has closed its end. Until this end is closed too the object cannot leave the memory. */
  closed(socket: WebSocket): void {
    this.#waiting.delete(socket)
    socket.close()
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

/** An answer to a client that has just gone is lost: the client asks again with the same token. */
function send(socket: WebSocket, message: string): void {
  try {
    socket.send(message)
  } catch {
    // Closed already; the close event follows.
  }
}
