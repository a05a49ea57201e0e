/**
 * The open streams of a user: hibernating sockets. A socket's attachment holds everything that is known of it, so that
 * the object may leave the memory between any two messages.
 */
import { takeFault } from '../../../src/faults.ts'
import type { PresenceValue } from '../../../src/objects/user/presence.ts'
import type { Metrics } from '../../../src/ports/metrics.ts'
import type { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { PING, PONG, STREAM_CLOSE } from '../../../src/protocol/stream.ts'
import type { Poll, WaitingSocket } from '../sync/sockets.ts'
import { parseSyncToken } from '../sync/sync-token.ts'
import type { WaitingSockets } from '../sync/waiting.ts'

/** A socket's attachment. `token` is the position that the client has acknowledged, or began with. */
export interface StreamPoll extends Poll {
  /** The increment that is under way: its position, and when it left (ms). Nothing else is sent until it is acknowledged. */
  sent?: { token: string; at: number }
  /** The client fetches what was too long for a message by `/sync`, and then says where it stands. */
  catchesUp?: true
  /** The client began without a position, and has acknowledged none yet. */
  anew?: true
  /** When the client's token expires, ms. */
  expiresAt?: number
  presence: PresenceValue
  /** When the client said something that woke the object, ms. */
  heard: number
}

export interface StreamSocket extends WaitingSocket {
  poll: StreamPoll
}

/** Marks the sockets of streams among those of the object. */
export const STREAM_TAG = 'stream'

/** How many a device has open: a few windows that share it, and those that are about to be found dead. */
const OF_A_DEVICE = 8
const OF_A_USER = 64

/** How long the client has to acknowledge an increment, ms, once there is more to tell. */
const SLOW_MS = 30_000

/** By the sockets themselves: what is made anew within an incarnation finds those that are there. */
const known = new WeakMap<WebSocket, StreamSocket>()

export class StreamSockets implements WaitingSockets {
  readonly #ctx: DurableObjectState
  readonly #now: () => number
  readonly #metrics: Metrics
  readonly #open = new Map<WebSocket, StreamSocket>()

  constructor(ctx: DurableObjectState, now: () => number, metrics: Metrics) {
    this.#ctx = ctx
    this.#now = now
    this.#metrics = metrics
    const kept = ctx.getWebSockets(STREAM_TAG).flatMap((socket) => attached(socket) ?? [])
    kept.sort((a, b) => (a.poll.begun ?? 0) - (b.poll.begun ?? 0))
    for (const one of kept) this.#open.set(one.socket, one)
  }

  get size(): number {
    return this.#open.size
  }

  all(): StreamSocket[] {
    return [...this.#open.values()]
  }

  /** Those that may be given something now. */
  idle(): StreamSocket[] {
    return this.all().filter((one) => !one.busy && !isUnderWay(one))
  }

  waits(one: WaitingSocket): boolean {
    return this.#open.has(one.socket) && !isUnderWay(one as StreamSocket)
  }

  get(socket: WebSocket): StreamSocket | undefined {
    return this.#open.get(socket)
  }

  /**
   * Opens a socket, and answers the client's end. Those that have been open longest make place where the device or the
   * user has too many.
   */
  open(poll: StreamPoll): { response: Response; one: StreamSocket } {
    const { 0: client, 1: server } = new WebSocketPair()
    this.#ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG))
    this.#ctx.acceptWebSocket(server, [STREAM_TAG])
    const one: StreamSocket = { socket: server, poll, busy: false }
    known.set(server, one)
    this.#open.set(server, one)
    this.#metrics.count('stream_sockets_opened_total', {})
    this.write(one, {})
    const all = this.all()
    const ofDevice = all.filter((other) => other.poll.session.deviceId === poll.session.deviceId)
    for (const oldest of [...ofDevice.slice(0, -OF_A_DEVICE), ...all.slice(0, -OF_A_USER)])
      this.end(oldest, STREAM_CLOSE.tooMany, 'Too many streams are open: this was the oldest')
    return { response: new Response(null, { status: 101, webSocket: client }), one }
  }

  /** Changes what is known of a socket: nothing, where it was ended meanwhile, or it would come back after an eviction. */
  write(one: StreamSocket, change: Partial<StreamPoll>): void {
    if (!this.#open.has(one.socket)) return
    one.poll = { ...one.poll, ...change }
    one.socket.serializeAttachment(one.poll)
  }

  /** Gives an increment, which the client must acknowledge before it is given another. */
  answer(one: WaitingSocket, body: string, token: string): void {
    this.#give(one as StreamSocket, `{"type":"sync","body":${body}}`, { sent: { token, at: this.#now() } })
  }

  /** The increment is too long for a message. */
  refuse(one: WaitingSocket): void {
    const stream = one as StreamSocket
    const { anew, token } = stream.poll
    const message = { type: 'catch_up', ...(anew === undefined && { since: token }) }
    this.#give(stream, JSON.stringify(message), { catchesUp: true })
  }

  /**
   * There is nothing to show, but the position may have moved. The client is told once another epoch has begun: only
   * the epochs that it names are kept for it.
   */
  advance(one: WaitingSocket, token: string, level: boolean): void {
    const stream = one as StreamSocket
    const { poll } = stream
    if (!this.#open.has(one.socket) || isUnderWay(stream)) return
    if (poll.token === token && poll.level === level) return
    if (parseSyncToken(token).epoch !== parseSyncToken(poll.token).epoch)
      this.answer(stream, JSON.stringify({ next_batch: token }), token)
    else this.write(stream, { token, level })
  }

  /**
   * The client has what it was given.
   * @returns whether it may be given more: an acknowledgement that comes late or twice changes nothing
   */
  acknowledge(one: StreamSocket, position: string): boolean {
    const { sent, catchesUp } = one.poll
    if (sent?.token !== position && catchesUp === undefined) return false
    const settled = { sent: undefined, catchesUp: undefined, anew: undefined }
    this.write(one, { token: position, level: false, ...settled })
    return true
  }

  /** Something has happened: streams whose clients have not acknowledged the last increment for long are cut off. */
  cutSlow(): void {
    const now = this.#now()
    for (const one of this.#open.values()) {
      const { sent, session } = one.poll
      if (sent === undefined) continue
      if (now - sent.at < SLOW_MS && !takeFault(`stream:slow:${session.deviceId}`)) continue
      this.end(one, STREAM_CLOSE.tooSlow, 'Not acknowledged in time: connect again, from your last position')
    }
  }

  /** Streams whose tokens have expired are over. Answers when the next one does, ms. */
  cutExpired(): number | undefined {
    const now = this.#now()
    let next: number | undefined
    for (const one of this.#open.values()) {
      const { expiresAt } = one.poll
      if (expiresAt === undefined) continue
      if (expiresAt <= now) this.end(one, STREAM_CLOSE.tokenEnded, 'The access token has expired')
      else next = Math.min(next ?? expiresAt, expiresAt)
    }
    return next
  }

  /** When a client that counts for presence was last heard of, ms; 0: never. */
  lastHeard(): number {
    return Math.max(0, ...this.all().map((one) => this.#heard(one)))
  }

  /** Nothing was heard of the user for too long: the sockets that are still open lead nowhere. */
  cutSilent(): void {
    for (const one of this.#open.values())
      if (one.poll.presence !== 'offline') this.end(one, STREAM_CLOSE.silent, 'No ping came for too long')
  }

  /** Ends the streams of sessions that are over. */
  endSessions(sessionIds: ReadonlySet<string>): void {
    for (const one of this.#open.values())
      if (sessionIds.has(one.poll.session.sessionId))
        this.end(one, STREAM_CLOSE.tokenEnded, 'The session is over')
  }

  /** Tells a device something that has no position. */
  tell(deviceId: string, message: (one: StreamSocket) => JsonObject): void {
    for (const one of this.#open.values())
      if (one.poll.session.deviceId === deviceId) this.send(one.socket, message(one))
  }

  send(socket: WebSocket, message: JsonObject): void {
    sendText(socket, JSON.stringify(message))
  }

  /** Ends a stream; the code says why. */
  end({ socket }: StreamSocket, code: number, reason: string, error?: MatrixError): void {
    if (!this.#forget(socket)) return
    socket.serializeAttachment(null)
    if (error !== undefined) this.send(socket, errorMessage(error))
    close(socket, code, reason)
  }

  /** The client has closed its end. Until this end is closed too the object cannot leave the memory. */
  closed(socket: WebSocket): void {
    this.#forget(socket)
    socket.serializeAttachment(null)
    close(socket)
  }

  #forget(socket: WebSocket): boolean {
    const wasOpen = this.#open.delete(socket)
    if (wasOpen) this.#metrics.count('stream_sockets_closed_total', {})
    return wasOpen
  }

  #heard({ socket, poll }: StreamSocket): number {
    if (poll.presence === 'offline') return 0
    const pinged = this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0
    return Math.max(pinged, poll.heard)
  }

  #give(one: StreamSocket, text: string, change: Partial<StreamPoll>): void {
    const { expiresAt } = one.poll
    if (!this.#open.has(one.socket) || isUnderWay(one)) return
    if (expiresAt !== undefined && expiresAt <= this.#now()) {
      this.end(one, STREAM_CLOSE.tokenEnded, 'The access token has expired')
      return
    }
    this.write(one, { ...change, level: false })
    sendText(one.socket, text)
  }
}

/** An error as a message of the stream. */
export function errorMessage({ errcode, message, extra }: MatrixError, id?: string): JsonObject {
  return { type: 'error', ...(extra as JsonObject), errcode, error: message, ...(id !== undefined && { id }) }
}

function isUnderWay({ poll }: StreamSocket): boolean {
  return poll.sent !== undefined || poll.catchesUp !== undefined
}

function attached(socket: WebSocket): StreamSocket | undefined {
  const there = known.get(socket)
  if (there !== undefined) return socket.deserializeAttachment() === null ? undefined : there
  const poll = socket.deserializeAttachment() as StreamPoll | null
  if (poll === null) return undefined
  const one = { socket, poll, busy: false }
  known.set(socket, one)
  return one
}

/** What is sent to a client that has just gone is lost: it comes back with its last position. */
function sendText(socket: WebSocket, text: string): void {
  try {
    socket.send(text)
  } catch {
    // Closed already; the close event follows.
  }
}

function close(socket: WebSocket, code?: number, reason?: string): void {
  try {
    socket.close(code, reason)
  } catch {
    // Closed already.
  }
}
