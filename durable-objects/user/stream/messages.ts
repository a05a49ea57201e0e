/** What a client may say on a stream: a schema each, and nothing without one. `docs/stream.md` has them for people. */
import * as z from 'zod'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { isEventId, isRoomId } from '../../../src/protocol/identifiers.ts'

const RoomId = z.string().refine(isRoomId, 'not a room ID')
const EventId = z.string().refine(isEventId, 'not an event ID')
/** By which the client knows the answer to its message. */
const Id = z.string().min(1).max(64).optional()

/** A client that forgot to say that it stopped must not seem to type for long. */
const LONGEST_TYPING_MS = 30_000
const DEFAULT_TYPING_MS = 20_000
/** Each change is told to all users that share a room. */
const LONGEST_STATUS = 1_024
const LONGEST_TOKEN = 8_192
const LONGEST_POSITION = 2_048

const SCHEMAS = {
  ping: z.object({ type: z.literal('ping'), id: Id }),
  ack: z.object({ type: z.literal('ack'), id: Id, position: z.string().min(1).max(LONGEST_POSITION) }),
  typing: z.object({
    type: z.literal('typing'),
    id: Id,
    room_id: RoomId,
    typing: z.boolean(),
    timeout: z
      .int()
      .min(0)
      .default(DEFAULT_TYPING_MS)
      .transform((ms) => Math.min(ms, LONGEST_TYPING_MS)),
  }),
  receipt: z.object({
    type: z.literal('receipt'),
    id: Id,
    room_id: RoomId,
    event_id: EventId,
    receipt_type: z.enum(['m.read', 'm.read.private', 'm.fully_read']).default('m.read'),
    thread_id: z.string().min(1).max(255).optional(),
  }),
  presence: z.object({
    type: z.literal('presence'),
    id: Id,
    presence: z.enum(['online', 'offline', 'unavailable']),
    status_msg: z.string().max(LONGEST_STATUS).nullish(),
  }),
  token: z.object({ type: z.literal('token'), id: Id, access_token: z.string().min(1).max(LONGEST_TOKEN) }),
}

type Schemas = typeof SCHEMAS
export type MessageType = keyof Schemas
export type Message<T extends MessageType = MessageType> = { [K in T]: z.infer<Schemas[K]> }[T]

/** What of a message is known before it is checked: an answer to it names its id. */
export function idOf(given: unknown): string | undefined {
  const id = Id.safeParse((given as { id?: unknown } | null)?.id)
  return id.success ? id.data : undefined
}

/** @throws MatrixError M_NOT_JSON */
export function parseJson(data: string | ArrayBuffer): unknown {
  if (typeof data !== 'string') throw new MatrixError('M_NOT_JSON', 'Messages are texts: JSON objects')
  try {
    return JSON.parse(data) as unknown
  } catch {
    throw new MatrixError('M_NOT_JSON', 'The message is not JSON')
  }
}

/** @throws MatrixError M_BAD_JSON, M_UNRECOGNIZED */
export function checkMessage(given: unknown): Message {
  const type = (given as { type?: unknown } | null)?.type
  if (typeof type !== 'string') throw new MatrixError('M_BAD_JSON', 'The message has no type')
  if (!Object.hasOwn(SCHEMAS, type))
    throw new MatrixError('M_UNRECOGNIZED', 'There is no message of this type')
  const checked = SCHEMAS[type as MessageType].safeParse(given)
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  throw new MatrixError('M_BAD_JSON', `${issue?.path.join('.') || 'message'}: ${issue?.message}`)
}
