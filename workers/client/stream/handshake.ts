/** Streams whose token comes by the first message: until then this Worker holds them, and then stands between the two ends. */
import * as z from 'zod'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { LONGEST_SAID, STREAM_CLOSE } from '../../../src/protocol/stream.ts'
import { DeviceId } from '../params.ts'

const SignIn = z.discriminatedUnion('type', [
  z.object({ type: z.literal('auth'), access_token: z.string().min(1).max(8_192) }),
  /** By a token of another system, as `org.matrix.login.jwt`. */
  z.object({
    type: z.literal('login'),
    token: z.string().min(1).max(65_536),
    device_id: DeviceId.optional(),
    initial_device_display_name: z.string().max(1_024).optional(),
  }),
])

/** How a client says who it is. */
export type SignIn = z.infer<typeof SignIn>

/** Opens the stream of a client that has said who it is; `tell` says something to it before that. */
export type Opening = (signIn: SignIn, tell: (message: object) => void) => Promise<Response>

/** How long a client has to say who it is, ms. */
const SIGN_IN_MS = 10_000
/** How many such clients this isolate waits for. */
const MOST_WAITING = 2_000
/** Characters of the first message, which may hold a token of another system. */
const LONGEST_FIRST = 70_000
/** What a client sends after its token and before the first answer is kept: so many messages. */
const MOST_EARLY = 16

let waiting = 0

/**
 * A socket that waits for a client to say who it is, and then passes on what the two ends say. The object behind it
 * sleeps as it does without this.
 * @param keep has work go on when the client has gone
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export function withFirstMessage(open: Opening, keep: (work: Promise<unknown>) => void): Response {
  if (waiting >= MOST_WAITING)
    throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many clients have yet to say who they are', {
      extra: { retry_after_ms: SIGN_IN_MS },
    })
  const { 0: client, 1: outside } = new WebSocketPair()
  outside.accept()
  // What a client that goes has begun is brought to its end.
  const opened = signedIn(outside, (...said) => {
    const opening = open(...said)
    keep(opening.catch(() => undefined))
    return opening
  })
  void opened.then(
    ({ inside, early }) => join(outside, inside, early),
    (error) => refuse(outside, error),
  )
  return new Response(null, { status: 101, webSocket: client })
}

/** A socket that says what is wrong, and ends. @throws what the protocol does not name */
export function closedAtOnce(error: unknown): Response {
  if (!(error instanceof MatrixError)) throw error
  const { 0: client, 1: outside } = new WebSocketPair()
  outside.accept()
  refuse(outside, error)
  return new Response(null, { status: 101, webSocket: client })
}

interface SignedIn {
  inside: WebSocket
  early: (string | ArrayBuffer)[]
}

/** @throws MatrixError */
async function signedIn(outside: WebSocket, open: Opening): Promise<SignedIn> {
  const early: (string | ArrayBuffer)[] = []
  const { promise: first, resolve } = Promise.withResolvers<string | ArrayBuffer>()
  const { promise: over, reject: end } = Promise.withResolvers<never>()
  let said = false
  const listen = ({ data }: MessageEvent) => {
    if (lengthOf(data) > (said ? LONGEST_SAID : LONGEST_FIRST)) end(tooLong())
    else if (!said) {
      said = true
      resolve(data)
    } else if (early.push(data) > MOST_EARLY)
      end(new MatrixError('M_LIMIT_EXCEEDED', 'Wait for the first answer before you say more'))
  }
  outside.addEventListener('message', listen)
  outside.addEventListener('close', () => end(gone()))
  const late = new MatrixError('M_MISSING_TOKEN', 'No access token came: send {"type":"auth", …} first')
  const timer = setTimeout(() => end(late), SIGN_IN_MS)
  waiting += 1
  let opening: Promise<Response> | undefined
  try {
    const signIn = parseSignIn(await Promise.race([first, over]))
    clearTimeout(timer)
    const tell = (message: object) => outside.send(JSON.stringify(message))
    opening = open(signIn, tell)
    const opened = await Promise.race([opening, over])
    return { inside: opened.webSocket!, early }
  } catch (error) {
    // The object would else hold a stream that leads nowhere.
    void opening?.then(leave, () => undefined)
    throw error
  } finally {
    waiting -= 1
    clearTimeout(timer)
    outside.removeEventListener('message', listen)
  }
}

function lengthOf(data: string | ArrayBuffer): number {
  return typeof data === 'string' ? data.length : data.byteLength
}

/** Ends a stream that nobody is there for any more. */
function leave({ webSocket }: Response): void {
  webSocket?.accept()
  if (webSocket !== null) close(webSocket, ABNORMAL, 'The client has gone')
}

/** @throws MatrixError M_NOT_JSON, M_BAD_JSON */
function parseSignIn(data: string | ArrayBuffer): SignIn {
  let given: unknown
  try {
    given = JSON.parse(typeof data === 'string' ? data : '')
  } catch {
    throw new MatrixError('M_NOT_JSON', 'The first message is not JSON')
  }
  const message = SignIn.safeParse(given)
  if (message.success) return message.data
  throw new MatrixError('M_BAD_JSON', 'The first message must be {"type":"auth","access_token":"…"}')
}

const tooLong = () => new MatrixError('M_TOO_LARGE', 'The message is too long')

/** Nobody is told. */
const gone = () => new MatrixError('M_UNKNOWN', 'The client has gone')

/** Passes on what either end says, until one of them is closed. */
function join(outside: WebSocket, inside: WebSocket, early: (string | ArrayBuffer)[]): void {
  inside.accept()
  for (const data of early) inside.send(data)
  for (const [from, to] of [
    [outside, inside],
    [inside, outside],
  ] as const) {
    from.addEventListener('message', ({ data }) => {
      try {
        to.send(data)
      } catch {
        // Closed already; its own event follows.
      }
    })
    from.addEventListener('close', ({ code, reason }) => {
      close(to, code, reason)
      close(from, code, reason)
    })
    from.addEventListener('error', () => close(to, ABNORMAL, 'The connection broke'))
  }
}

/** An end that was not told why says so to the other end. */
const ABNORMAL = 1011
/** Codes that no frame may carry. */
const NEVER_SENT: ReadonlySet<number> = new Set([1005, 1006, 1015])

function close(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(NEVER_SENT.has(code) ? ABNORMAL : code, reason)
  } catch {
    // Closed already.
  }
}

/** The close code by the error's status. */
const CODES: Record<number, number> = {
  401: STREAM_CLOSE.tokenEnded,
  /** RFC 6455: a message that is too big. */
  413: 1009,
  429: STREAM_CLOSE.tooOften,
}
/** "Try again later." */
const TRY_AGAIN = 1013

function refuse(outside: WebSocket, thrown: unknown): void {
  const error = thrown instanceof MatrixError ? thrown : new MatrixError('M_UNKNOWN', 'Internal server error')
  const { errcode, message, extra, status } = error
  const code = CODES[status] ?? (status >= 500 ? TRY_AGAIN : STREAM_CLOSE.badRequest)
  try {
    outside.send(JSON.stringify({ type: 'error', ...extra, errcode, error: message }))
  } catch {
    return
  }
  close(outside, code, message.slice(0, 100))
}
