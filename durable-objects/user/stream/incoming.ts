/** What clients say on their streams: each message is checked, counted, done and answered. */
import { verifyAccessToken } from '../../../src/accounts/access-token.ts'
import type { RoomPeer } from '../../../src/objects/room/peer.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { LONGEST_SAID, STREAM_CLOSE } from '../../../src/protocol/stream.ts'
import type { UserHost } from '../host.ts'
import { setFullyRead } from '../settings/read-markers.ts'
import { Allowance } from './allowance.ts'
import { checkMessage, idOf, type Message, type MessageType, parseJson } from './messages.ts'
import { errorMessage, type StreamSocket } from './sockets.ts'
import type { Streams } from './streams.ts'

export interface IncomingParts {
  host: () => UserHost
  room: (roomId: string) => RoomPeer
}

/** A message that is under way. */
interface Saying {
  host: UserHost
  room: IncomingParts['room']
  streams: Streams
  one: StreamSocket
  session: Session
}

type Handlers = {
  [T in MessageType]: (
    saying: Saying,
    message: Message<T>,
  ) => Promise<JsonObject | undefined> | JsonObject | undefined
}

/** RFC 6455: what is sent is too long. */
const TOO_LONG = 1009

export class Incoming {
  readonly #parts: IncomingParts
  readonly #allowance = new Allowance()

  constructor(parts: IncomingParts) {
    this.#parts = parts
  }

  /** A message has come on a stream. Never throws: what is wrong with it is told on the stream. */
  async take(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    const { streams } = this.#parts.host().polls()
    const one = streams.sockets.get(socket)
    // It was ended a moment ago.
    if (one === undefined) return
    const length = typeof data === 'string' ? data.length : data.byteLength
    if (length > LONGEST_SAID)
      return streams.sockets.end(one, TOO_LONG, `A message has ${LONGEST_SAID} characters at most`)
    let id: string | undefined
    try {
      const given = parseJson(data)
      id = idOf(given)
      const { room } = this.#parts
      const saying = { host: this.#parts.host(), room, streams, one, session: one.poll.session }
      const answer = await this.#do(saying, given)
      if (answer !== undefined || id !== undefined)
        streams.sockets.send(socket, { ...(answer ?? { type: 'done' }), ...(id !== undefined && { id }) })
    } catch (error) {
      this.#refused(one, error, id)
    }
  }

  async #do(saying: Saying, given: unknown): Promise<JsonObject | undefined> {
    const now = this.#parts.host().ports.clock.now()
    saying.streams.sockets.write(saying.one, { heard: now })
    // An expected acknowledgement is free: each one answers an increment of the server.
    if (!isExpectedAck(saying.one, given)) this.#count(now)
    const message = checkMessage(given)
    const handle = HANDLERS[message.type] as (
      saying: Saying,
      message: Message,
    ) => Promise<JsonObject | undefined>
    return handle(saying, message)
  }

  /** @throws MatrixError M_LIMIT_EXCEEDED */
  #count(now: number): void {
    if (!this.#parts.host().ports.config.rateLimits) return
    const wait = this.#allowance.take(now)
    if (wait === undefined) return
    throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many messages', { extra: { retry_after_ms: wait } })
  }

  #refused(one: StreamSocket, thrown: unknown, id: string | undefined): void {
    const { sockets } = this.#parts.host().polls().streams
    const error = this.#named(thrown)
    sockets.send(one.socket, errorMessage(error, id))
    if (error.errcode === 'M_LIMIT_EXCEEDED' && this.#allowance.spent)
      sockets.end(one, STREAM_CLOSE.tooOften, 'Too many messages')
  }

  /** Failures that the protocol does not name are logged, and no client is told of them. */
  #named(thrown: unknown): MatrixError {
    if (thrown instanceof MatrixError) return thrown
    this.#parts.host().ports.log.error('stream message failed', { error: String(thrown) })
    return new MatrixError('M_UNKNOWN', 'Internal server error')
  }
}

const HANDLERS: Handlers = {
  /** One with an id, or written differently from the ping that is answered while the object sleeps. */
  ping: () => ({ type: 'pong' }),

  ack({ streams, one }, { position }) {
    streams.acknowledge(one.socket, position)
    return undefined
  },

  async typing({ host, room, session }, { room_id, typing, timeout }) {
    requireTelling(host, session)
    requireJoined(host, room_id)
    await room(room_id).setTyping(session.userId, typing, timeout)
    return undefined
  },

  async receipt({ host, room, session }, { room_id, event_id, receipt_type, thread_id }) {
    host.account.check(session)
    requireNoGuest(session)
    requireJoined(host, room_id)
    const isMarker = receipt_type === 'm.fully_read'
    if (isMarker && thread_id !== undefined)
      throw new MatrixError('M_INVALID_PARAM', 'thread_id must be absent for m.fully_read')
    const receipts = isMarker ? [] : [{ type: receipt_type, threadId: thread_id, eventId: event_id }]
    const fullyRead = isMarker ? event_id : undefined
    const request = { userId: session.userId, receipts, ...(isMarker && { fullyRead }) }
    const { fullyReadPos } = await room(room_id).markRead(request)
    if (fullyRead === undefined || fullyReadPos === undefined) return undefined
    const marker = { roomId: room_id, eventId: fullyRead, eventPos: fullyReadPos }
    host.mutate(() => ({ value: undefined, ...setFullyRead(host.sql, marker, host.nextOwn) }))
    host.polls().serve()
    return undefined
  },

  presence({ host, session }, { presence, status_msg }) {
    requireTelling(host, session)
    host.polls().presence.set(presence, status_msg ?? undefined)
    return undefined
  },

  async token({ host, streams, one, session }, { access_token }) {
    const { serverName, tokenKeys } = host.ports.config
    const renewed = await verifyAccessToken(access_token, tokenKeys, serverName)
    if (renewed === undefined) throw new MatrixError('M_UNKNOWN_TOKEN', 'Unrecognised access token')
    if (renewed.userId !== session.userId || renewed.deviceId !== session.deviceId)
      throw new MatrixError('M_FORBIDDEN', 'The access token is not of the same user and device')
    const { expiresAt, ...its } = renewed
    host.account.check(its)
    return streams.renew(one, its, expiresAt)
  },
}

/** @throws MatrixError M_USER_SUSPENDED, M_GUEST_ACCESS_FORBIDDEN, and as `UserAccount.check` */
function requireTelling(host: UserHost, session: Session): void {
  host.account.checkMayTell(session)
  requireNoGuest(session)
}

/** @throws MatrixError M_GUEST_ACCESS_FORBIDDEN */
function requireNoGuest({ guest }: Session): void {
  if (guest === true)
    throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests may not do this: make an account')
}

/** A name that somebody made up must not become a call, which would make an object. @throws MatrixError M_FORBIDDEN */
function requireJoined(host: UserHost, roomId: string): void {
  if (host.polls().memberships.byId(roomId)?.membership === 'join') return
  throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
}

function isExpectedAck({ poll }: StreamSocket, given: unknown): boolean {
  const { type, position } = (given ?? {}) as { type?: unknown; position?: unknown }
  return type === 'ack' && poll.sent !== undefined && position === poll.sent.token
}
