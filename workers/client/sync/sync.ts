/** `/sync`. This Worker holds the long poll, on a socket to the User object, which sleeps meanwhile. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { Objects, RoomGateway } from '../../../durable-objects/gate.ts'
import type { StateRequest } from '../../../src/objects/room/state.ts'
import type { RestOfState } from '../../../src/objects/room/sync.ts'
import type { SyncRequest } from '../../../src/objects/user/sync.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { objectField } from '../../../src/protocol/json-fields.ts'
import { eventWithFields } from '../../../src/protocol/matching/filter.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { beginWait, type Wait } from '../../middleware/waits.ts'
import { stateSlices, streamJson } from '../../stream-json.ts'
import { Count, Flag } from '../params.ts'

const MAX_TIMEOUT_MS = 60_000

/**
 * A poll that must make place for a younger one of its device answers after this long: clients that share a device
 * would otherwise end each other's polls as fast as they can ask.
 */
const MAKES_PLACE_MS = 250

/** How often a socket may break under one poll before the client is told to ask again. */
const MAX_ATTEMPTS = 4

/** "null" is what JavaScript clients send if they have no token. */
const Since = z
  .string()
  .min(1)
  .optional()
  .transform((token) => (token === 'null' ? undefined : token))

const SyncQuery = z.object({
  since: Since,
  filter: z.string().optional(),
  full_state: Flag.default(false),
  timeout: Count.transform((ms) => Math.min(ms, MAX_TIMEOUT_MS)).default(0),
  use_state_after: Flag.optional(),
  'org.matrix.msc4222.use_state_after': Flag.optional(),
  set_presence: z.enum(['offline', 'online', 'unavailable']).default('online'),
})

export const sync = new Hono<AppEnv>()

sync.get(
  '/sync',
  endpoint({ auth: 'claims', guests: true, suspended: true, limit: 'sync', query: SyncQuery }),
  (c) => {
    const { requester } = c.var
    const query = c.req.valid('query')
    const request: SyncRequest = {
      session: requester.session,
      since: query.since,
      filter: query.filter,
      fullState: query.full_state,
      stateAfter: query.use_state_after ?? query['org.matrix.msc4222.use_state_after'] ?? false,
      timeoutMs: query.timeout,
      presence: query.set_presence,
    }
    return answerPoll(c, request)
  },
)

/** The answer to a poll. State that is more than a User object holds comes from the Rooms, as they send it. */
async function answerPoll(c: UserContext, request: SyncRequest): Promise<Response> {
  const answer = await poll(c, request)
  if (!hasRest(answer)) return answer
  const { body, rest } = await answer.json<LargeAnswer>()
  return streamJson(body, restOf(c.var.objects, body, rest))
}

/** Whether an answer is a `LargeAnswer`. */
export function hasRest(answer: Response): boolean {
  return answer.headers.has('x-sync-rest')
}

/** What a User object answers where the state of rooms goes on. */
export interface LargeAnswer {
  body: JsonObject
  rest: RestOfState[]
}

const STATE_FIELDS = ['state', 'state_after', 'org.matrix.msc4222.state_after']

/** What the lists of state events in `body` go on with. */
export function restOf(
  objects: Objects,
  body: JsonObject,
  rest: readonly RestOfState[],
): Map<unknown, () => AsyncIterable<JsonObject[]>> {
  const found = new Map<unknown, () => AsyncIterable<JsonObject[]>>()
  for (const { kind, roomId, request, fields } of rest) {
    const section = objectField(objectField(objectField(body.rooms)?.[kind])?.[roomId])
    for (const field of STATE_FIELDS) {
      const events = objectField(section?.[field])?.events
      if (Array.isArray(events)) found.set(events, () => shownSlices(objects.room(roomId), request, fields))
    }
  }
  return found
}

async function* shownSlices(room: RoomGateway, request: StateRequest, fields: string[] | undefined) {
  for await (const events of stateSlices(room, request))
    yield events.map((event) => eventWithFields(event, fields))
}

/**
 * Asks the User object, and waits on its socket when there is nothing yet. A socket breaks when its object is
 * reset: then the same question is put again, since a sync token answers it as well the second time.
 */
export async function poll(c: UserContext, request: SyncRequest): Promise<Response> {
  const wait = beginWait(c)
  try {
    return await pollUntil(c, request, wait)
  } finally {
    wait.done()
  }
}

async function pollUntil(c: UserContext, request: SyncRequest, wait: Wait): Promise<Response> {
  const { clock } = c.var.ports
  const user = c.var.objects.user(request.session.userId)
  const deadline = clock.now() + request.timeoutMs
  let empty = '{}'
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const timeoutMs = Math.max(0, deadline - clock.now())
    const answer = await user.sync({ ...request, timeoutMs })
    if (answer.webSocket === null) return new Response(answer.body, answer)
    empty = answer.headers.get('x-sync-empty') ?? empty
    const token = answer.headers.get('x-sync-token') ?? ''
    const came = await waitOn(answer.webSocket, { token, empty }, { ms: timeoutMs, wait })
    if (came === undefined) continue
    if (came.makesPlace) await sleep(Math.min(MAKES_PLACE_MS, deadline - clock.now()))
    return jsonResponse(came.body)
  }
  if (request.since === undefined)
    throw new MatrixError('M_UNKNOWN', 'The sync was interrupted: try again', { status: 503 })
  return jsonResponse(emptyAnswer({ token: request.since, empty }))
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
  let { token, empty } = first
  try {
    return await new Promise<Came | undefined>((resolve) => {
      const end = () => resolve({ body: emptyAnswer({ token, empty }) })
      timer = setTimeout(end, ms)
      void wait.over.then(end)
      socket.addEventListener('message', ({ data }) => {
        if (typeof data !== 'string') return
        if (data.startsWith('t')) token = data.slice(1)
        if (data.startsWith('e')) empty = data.slice(1)
        if (data.startsWith('r')) resolve({ body: data.slice(1) })
        if (data === 'n') resolve({ body: emptyAnswer({ token, empty }), makesPlace: true })
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

/** An answer without news: its token, and the JSON of what stands in every answer. */
interface Nothing {
  token: string
  empty: string
}

function emptyAnswer({ token, empty }: Nothing): string {
  return JSON.stringify({ ...(JSON.parse(empty) as object), next_batch: token })
}

function jsonResponse(body: string): Response {
  return new Response(body, { headers: { 'Content-Type': 'application/json' } })
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
