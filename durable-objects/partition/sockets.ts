/**
 * The sockets of consumers: each is given what comes, one slice at a time, and hibernates between two. Its attachment
 * holds everything that is known of it.
 */
import * as z from 'zod'
import type { ConsumeRequest, ForGroup, LogSlice, TokenId } from '../../src/objects/partition/records.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { CONSUMER_CLOSE, type Topic } from '../../src/protocol/event-stream.ts'
import { PING, PONG } from '../../src/protocol/stream.ts'
import type { PartitionDesk } from './desk.ts'
import { close } from './waits.ts'

const CONSUMING = 'consumes:'
const MOST_SOCKETS = 500
/** Characters of the records in a message; one record at least. */
const MESSAGE_LENGTH = 500_000
/** A close frame has room for 123 bytes. */
const REASON_LENGTH = 100

const Ack = z.object({
  type: z.literal('ack'),
  next_offset: z.int().min(0),
  /** The group has done everything before it. */
  commit: z.boolean().default(false),
})

/** What is known of a socket. */
interface Attachment {
  token: TokenId
  topic: Topic
  /** The first record that the consumer has not acknowledged. */
  next: number
  /** The end of the slice that is under way: nothing else is sent until it is acknowledged. */
  sent?: number
  limit: number
  of?: ForGroup
  expiresAt?: number
}

export interface ConsumerSocketsParts {
  ctx: DurableObjectState
  desk: () => PartitionDesk
}

export class ConsumerSockets {
  readonly #parts: ConsumerSocketsParts

  constructor(parts: ConsumerSocketsParts) {
    this.#parts = parts
  }

  /** @throws MatrixError as a read does; M_LIMIT_EXCEEDED */
  open({ token, topic, from, limit, of, expiresAt }: ConsumeRequest): Response {
    const { ctx, desk } = this.#parts
    const { consumers, logs } = desk()
    if (ctx.getWebSockets().length >= MOST_SOCKETS)
      throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many sockets are open on this partition')
    const start = of === undefined ? from : consumers.begin(topic, of, from)
    const { offset } = logs.read(topic, start, 1)
    const { 0: client, 1: server } = new WebSocketPair()
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG))
    ctx.acceptWebSocket(server, [CONSUMING + topic])
    const known: Attachment = { token, topic, next: offset, limit, of, expiresAt }
    server.send(JSON.stringify({ type: 'hello', topic, offset }))
    this.#give(server, known)
    return new Response(null, { status: 101, webSocket: client })
  }

  /** A topic has grown: those that wait are given what has come. */
  serve(topic: Topic): void {
    for (const socket of this.#parts.ctx.getWebSockets(CONSUMING + topic)) {
      const known = attached(socket)
      if (known !== undefined && known.sent === undefined) this.#give(socket, known)
    }
  }

  /** What a consumer says: that it has what it was given. */
  take(socket: WebSocket, data: string | ArrayBuffer): void {
    const known = attached(socket)
    if (known === undefined) return
    const message = Ack.safeParse(parsed(data))
    if (!message.success) {
      end(socket, CONSUMER_CLOSE.badRequest, 'The message is not {"type":"ack","next_offset":…}')
      return
    }
    const { commit, next_offset: next } = message.data
    if (known.sent === undefined || next > known.sent || next < known.next) {
      end(socket, CONSUMER_CLOSE.badRequest, 'This offset does not acknowledge what was sent')
      return
    }
    this.#orEnd(socket, () => {
      const { consumers } = this.#parts.desk()
      if (commit && known.of !== undefined) consumers.commit(known.token, known.topic, known.of, next)
      this.#give(socket, { ...known, next, sent: undefined })
    })
  }

  endToken(tokenId: string): void {
    for (const socket of this.#parts.ctx.getWebSockets()) {
      if (attached(socket)?.token === tokenId) end(socket, CONSUMER_CLOSE.tokenEnded, 'The token was revoked')
    }
  }

  #give(socket: WebSocket, known: Attachment): void {
    const { consumers, logs, now } = this.#parts.desk()
    const { expiresAt, limit, next, of, topic } = known
    if (expiresAt !== undefined && expiresAt <= now()) {
      end(socket, CONSUMER_CLOSE.tokenEnded, 'The token has expired')
      return
    }
    if (of !== undefined && consumers.isStale(topic, of)) {
      end(socket, CONSUMER_CLOSE.stale, 'The partition belongs to another member by now')
      return
    }
    const slice = logs.read(topic, next, limit, MESSAGE_LENGTH)
    const isNews = slice.count > 0
    socket.serializeAttachment({ ...known, next: slice.offset, sent: isNews ? slice.next : undefined })
    if (isNews) send(socket, messageOf(slice))
  }

  #orEnd(socket: WebSocket, work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error
      const code = CODES[error.status] ?? CONSUMER_CLOSE.badRequest
      end(socket, code, error.message.slice(0, REASON_LENGTH))
    }
  }
}

/** The close code by the error's status. */
const CODES: Record<number, number> = { 401: CONSUMER_CLOSE.tokenEnded, 409: CONSUMER_CLOSE.stale }

function messageOf({ records, offset, next, end: last }: LogSlice): string {
  const head = JSON.stringify({ type: 'records', offset, next_offset: next, end_offset: last })
  return `${head.slice(0, -1)},"records":[${records}]}`
}

function parsed(data: string | ArrayBuffer): unknown {
  try {
    return JSON.parse(typeof data === 'string' ? data : '')
  } catch {
    return undefined
  }
}

const attached = (socket: WebSocket): Attachment | undefined =>
  (socket.deserializeAttachment() as Attachment | null) ?? undefined

function end(socket: WebSocket, code: number, reason: string): void {
  socket.serializeAttachment(null)
  close(socket, code, reason)
}

/** What is sent to a consumer that has just gone is lost: it comes back, and goes on where it was. */
function send(socket: WebSocket, text: string): void {
  try {
    socket.send(text)
  } catch {
    // Closed already; the close event follows.
  }
}
