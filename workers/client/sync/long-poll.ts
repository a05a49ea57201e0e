/** Long polls: this Worker holds them, on a socket to the User object, which sleeps meanwhile. */
import type { UserGateway } from '../../../durable-objects/gate.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { objectsIn, portsIn, type UserContext } from '../../app-env.ts'
import { jsonAnswer } from '../../middleware/dress.ts'
import { beginWait, type Wait } from '../../middleware/waits.ts'

/**
 * A poll that must make place for a younger one of its device answers after this long: clients that share a device
 * would otherwise end each other's polls as fast as they can ask.
 */
const MAKES_PLACE_MS = 250

/** How often a socket may break under one poll before the client is told to ask again. */
const MAX_ATTEMPTS = 4

/** A poll, whichever endpoint it came by. */
export interface LongPoll {
  session: Session
  timeoutMs: number
  /** The client's token; undefined: a first request. */
  token: string | undefined
  /** The name of the field that has the token. */
  field: 'next_batch' | 'pos'
  /** Asks the User object: its answer, or a socket on which it comes. */
  ask: (user: UserGateway, timeoutMs: number) => Promise<Response>
}

/**
 * Asks the User object, and waits on its socket when there is nothing yet. A socket breaks when its object is
 * reset: then the same question is put again, since a sync token answers it as well the second time.
 */
export async function longPoll(c: UserContext, poll: LongPoll): Promise<Response> {
  const wait = beginWait(c)
  try {
    return await pollUntil(c, poll, wait)
  } finally {
    wait.done()
  }
}

async function pollUntil(c: UserContext, poll: LongPoll, wait: Wait): Promise<Response> {
  const { clock } = portsIn(c)
  const user = objectsIn(c).user(poll.session.userId)
  const deadline = clock.now() + poll.timeoutMs
  let empty = '{}'
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const timeoutMs = Math.max(0, deadline - clock.now())
    const answer = await poll.ask(user, timeoutMs)
    if (answer.webSocket === null) return passedOn(answer)
    empty = answer.headers.get('x-sync-empty') ?? empty
    const token = answer.headers.get('x-sync-token') ?? ''
    const nothing = { token, empty, field: poll.field }
    const came = await waitOn(answer.webSocket, nothing, { ms: timeoutMs, wait })
    if (came === undefined) continue
    if (came.makesPlace) await sleep(Math.min(MAKES_PLACE_MS, deadline - clock.now()))
    return jsonAnswer(came.body)
  }
  if (poll.token === undefined)
    throw new MatrixError('M_UNKNOWN', 'The sync was interrupted: try again', { status: 503 })
  return jsonAnswer(emptyAnswer({ token: poll.token, empty, field: poll.field }))
}

/** How long a poll waits, unless its client leaves first. */
interface Until {
  ms: number
  wait: Wait
}

/** What a waiting poll answers, and whether it answers because its device has too many polls. */
interface Came {
  body: string
  makesPlace?: boolean
}

/**
 * What comes by the socket, or the empty answer when the time is over, or undefined when the socket broke.
 * Messages are `t<token>`, the token for the empty answer from now on, `e<fields>`, what stands beside it, `r<body>`,
 * the complete answer, and `n`: the poll makes place, with nothing.
 */
async function waitOn(socket: WebSocket, first: Nothing, { ms, wait }: Until): Promise<Came | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const { field } = first
  let { token, empty } = first
  try {
    return await new Promise<Came | undefined>((resolve) => {
      const end = () => resolve({ body: emptyAnswer({ token, empty, field }) })
      timer = setTimeout(end, ms)
      void wait.over.then(end)
      socket.addEventListener('message', ({ data }) => {
        if (typeof data !== 'string') return
        if (data.startsWith('t')) token = data.slice(1)
        if (data.startsWith('e')) empty = data.slice(1)
        if (data.startsWith('r')) resolve({ body: data.slice(1) })
        if (data === 'n') resolve({ body: emptyAnswer({ token, empty, field }), makesPlace: true })
      })
      socket.addEventListener('close', () => resolve(undefined))
      socket.addEventListener('error', () => resolve(undefined))
      socket.accept()
    })
  } finally {
    clearTimeout(timer)
    // Left open, the socket would stay in the object after this Worker has answered.
    socket.close()
  }
}

/** What the object answered at once. */
function passedOn(answer: Response): Response {
  const { body, ok } = answer
  return ok && !hasRest(answer) ? jsonAnswer(body) : new Response(body, answer)
}

/** Whether an answer is a `LargeAnswer`. */
export function hasRest(answer: Response): boolean {
  return answer.headers.has('x-sync-rest')
}

/** An answer without news: its token, and the JSON of what stands in every answer. */
interface Nothing {
  token: string
  empty: string
  field: LongPoll['field']
}

function emptyAnswer({ token, empty, field }: Nothing): string {
  return JSON.stringify({ ...(JSON.parse(empty) as object), [field]: token })
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
