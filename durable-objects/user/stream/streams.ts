/**
 * The streams of a user: what `/sync` would answer, given as it comes. Each increment is that of `/sync`, from the same
 * streams and by the same codec; an acknowledgement means what coming back with a token means there (decision 25).
 */
import type { Session } from '../../../src/objects/user/session.ts'
import type { StreamRequest } from '../../../src/objects/user/stream.ts'
import type { Metrics } from '../../../src/ports/metrics.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { SyncAnswer } from '../sync/codecs/codec.ts'
import type { PollReader } from '../sync/poll-reader.ts'
import { formatSyncToken, type SyncToken } from '../sync/sync-token.ts'
import { type WaitingParts, WaitingPolls } from '../sync/waiting.ts'
import { type StreamSocket, StreamSockets } from './sockets.ts'

export interface StreamsParts extends Omit<WaitingParts, 'sockets'> {
  ctx: DurableObjectState
  /** Passes a session that is alive. @throws MatrixError M_UNKNOWN_TOKEN, M_USER_LOCKED */
  check: (session: Session) => void
  metrics: Metrics
  /** Reads a client's token. @throws MatrixError M_INVALID_PARAM */
  given: (text: string) => SyncToken
  /** A device begins with a token, comes back with one, or begins anew. */
  cameBack: (deviceId: string, token: SyncToken | undefined) => void
  /** A device is there. */
  seen: (request: StreamRequest, first: boolean) => Promise<unknown>
  /** A device was given its first token. */
  begun: (deviceId: string, token: string) => void
  /** A filter in the short form in which it is kept. @throws MatrixError for one that cannot be read */
  kept: (filter: string | undefined) => string | undefined
  /** Has the alarm look at expired tokens at a time (ms) at the latest. */
  arm: (at: number) => void
}

export class Streams {
  readonly sockets: StreamSockets
  readonly #parts: StreamsParts
  readonly #waiting: WaitingPolls

  constructor(parts: StreamsParts) {
    this.#parts = parts
    this.sockets = new StreamSockets(parts.ctx, () => parts.clock.now(), parts.metrics)
    this.#waiting = new WaitingPolls({ ...parts, sockets: this.sockets })
  }

  /** Opens a stream. @throws MatrixError M_INVALID_PARAM for an invalid position or filter, M_UNKNOWN_TOKEN */
  async open(request: StreamRequest): Promise<Response> {
    const { cameBack, check, given, kept, readerOf, seen } = this.#parts
    const { session, since, expiresAt, presence, stateAfter } = request
    const asked = { session, stateAfter, filter: kept(request.filter), token: '', level: false }
    const reader = readerOf(asked)
    const token = since === undefined ? undefined : given(since)
    cameBack(session.deviceId, token)
    const met = seen(request, token === undefined)
    if (token === undefined) await met
    const first = token === undefined ? await this.#first(session.deviceId, reader) : undefined
    // It may have ended while Rooms were asked.
    check(session)
    const now = this.#parts.clock.now()
    const { response, one } = this.sockets.open({
      ...asked,
      token: first?.token ?? formatSyncToken(token!),
      anew: token === undefined ? true : undefined,
      begun: now,
      expiresAt,
      presence,
      heard: now,
    })
    one.reader = reader
    this.sockets.send(one.socket, {
      type: 'hello',
      user_id: session.userId,
      device_id: session.deviceId,
      ...(since !== undefined && { position: since }),
      ...this.#expiry(expiresAt),
      ...reader.empty(),
    })
    if (first !== undefined) this.#waiting.give(one, reader, first)
    else this.#waiting.goOn(one)
    return response
  }

  /** A client has what it was given, up to a position. @throws MatrixError M_INVALID_PARAM */
  acknowledge(socket: WebSocket, position: string): void {
    const one = this.sockets.get(socket)
    if (one === undefined) return
    const token = this.#parts.given(position)
    if (!this.sockets.acknowledge(one, formatSyncToken(token))) return
    this.#parts.cameBack(one.poll.session.deviceId, token)
    this.#waiting.goOn(one)
  }

  /** A client goes on with another session of its device. Answers what it is told. */
  renew(one: StreamSocket, session: Session, expiresAt: number | undefined): JsonObject {
    this.sockets.write(one, { session, expiresAt })
    return { type: 'done', ...this.#expiry(expiresAt) }
  }

  get size(): number {
    return this.sockets.size
  }

  /** Answers those that are behind. */
  serve(): void {
    if (this.size === 0) return
    this.sockets.cutSlow()
    this.#waiting.serve()
  }

  /** A wake has come: those that are behind are answered in the next turn, or later where the machine is behind. */
  woken(): void {
    if (this.size === 0) return
    this.sockets.cutSlow()
    this.#waiting.serveNext()
  }

  /** Before Rooms are asked, for any client, and after. */
  markLevel(): void {
    this.#waiting.markLevel()
  }

  /** What a device must know of its keys has changed. */
  keysCounted(deviceId: string): void {
    const empty = (one: StreamSocket) => this.#waiting.readerOf(one).empty()
    this.sockets.tell(deviceId, (one) => ({ type: 'keys', ...empty(one) }))
  }

  /** After an eviction: what sockets stand at is known, and Rooms may have to be asked for some. */
  wakeUp(): void {
    if (this.size > 0) this.#waiting.wakeUp()
  }

  async #first(deviceId: string, reader: PollReader): Promise<SyncAnswer> {
    const answer = await this.#waiting.answer(reader, undefined)
    this.#parts.begun(deviceId, answer.token)
    return { ...answer, news: true }
  }

  /** What a client is told of its token, whose end the alarm is set for. */
  #expiry(expiresAt: number | undefined): JsonObject {
    if (expiresAt === undefined) return {}
    this.#parts.arm(expiresAt)
    return { expires_in_ms: Math.max(0, expiresAt - this.#parts.clock.now()) }
  }
}
