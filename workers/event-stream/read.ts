/** `/_selvedge/stream/topics/{topic}/{partition}`: the records of a topic, by long poll. See `docs/event-stream.md`. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { PartitionGateway } from '../../durable-objects/gate.ts'
import type { ConsumerRequester } from '../../src/accounts/requester.ts'
import type { LogSlice, ReadRequest } from '../../src/objects/partition/records.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { MOST_RECORDS, type Topic } from '../../src/protocol/event-stream.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import { Count } from '../client/params.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { beginWait, type Wait } from '../middleware/waits.ts'
import { GroupName, PartitionNumber, requireGroup, requireTopic, served, TopicName } from './scope.ts'

const MAX_TIMEOUT_MS = 60_000
/** How often one request is told that something has come, and then finds nothing. */
const MAX_ATTEMPTS = 4

const Path = z.object({ topic: TopicName, partition: PartitionNumber })

const From = z.union([z.enum(['earliest', 'latest']), Count])

const SocketQuery = z.object({
  offset: From.default('earliest'),
  limit: Count.pipe(z.number().min(1).max(MOST_RECORDS)).default(MOST_RECORDS),
  group: GroupName.optional(),
  epoch: Count.default(0),
})

const Query = SocketQuery.extend({
  timeout: Count.transform((ms) => Math.min(ms, MAX_TIMEOUT_MS)).default(0),
})

export const eventStreamReads = new Hono<AppEnv>()

eventStreamReads.get(
  '/topics/:topic/:partition',
  endpoint({ auth: 'consumer', limit: 'free', served, param: Path, query: Query }),
  async (c) => {
    const { topic, partition } = c.req.valid('param')
    const { timeout, ...asked } = c.req.valid('query')
    const request = requestOf(c.var.requester, topic, asked)
    const slice = await readOrWait(c, c.var.objects.partition(partition), request, timeout)
    return answer({ topic, partition }, slice)
  },
)

/** The same by a socket, which ends in the partition and sleeps there. */
eventStreamReads.get(
  '/topics/:topic/:partition/socket',
  endpoint({ auth: 'consumer', limit: 'free', served, param: Path, query: SocketQuery }),
  async (c) => {
    if (c.req.header('upgrade')?.toLowerCase() !== 'websocket')
      throw new MatrixError('M_UNRECOGNIZED', 'This is a WebSocket: ask for an upgrade', { status: 426 })
    const { topic, partition } = c.req.valid('param')
    const request = requestOf(c.var.requester, topic, c.req.valid('query'))
    const { expiresAt } = c.var.requester
    const opened = await c.var.objects.partition(partition).consume({ ...request, expiresAt })
    return new Response(null, { status: 101, webSocket: await requireSocket(opened) })
  },
)

type Asked = z.infer<typeof SocketQuery>

/** @throws MatrixError M_FORBIDDEN for what the token is not for */
function requestOf(requester: ConsumerRequester, topic: Topic, asked: Asked): ReadRequest {
  const { offset: from, limit, group, epoch } = asked
  requireTopic(requester, topic)
  if (group !== undefined) requireGroup(requester, group)
  const of = group === undefined ? {} : { of: { group, epoch } }
  return { token: requester.tokenId, topic, from, limit, ...of }
}

/** What there is; if there is nothing, what comes within the time. */
async function readOrWait(
  c: AppContext,
  partition: PartitionGateway,
  request: ReadRequest,
  timeoutMs: number,
): Promise<LogSlice> {
  const { clock } = c.var.ports
  const deadline = clock.now() + timeoutMs
  const wait = beginWait(c)
  try {
    let slice = await partition.read(request)
    for (let attempt = 0; attempt < MAX_ATTEMPTS && slice.count === 0; attempt += 1) {
      const left = deadline - clock.now()
      if (left <= 0 || wait.isOver()) break
      const { token, topic } = request
      const opened = await partition.wait({ token, topic, offset: slice.next })
      if (opened.webSocket !== null) await closed(opened.webSocket, left, wait)
      // A group goes on where it has begun to wait.
      slice = await partition.read({ ...request, of: undefined, from: slice.next })
    }
    return slice
  } finally {
    wait.done()
  }
}

/** Waits until the partition closes the socket, or the time is over, or the client has gone. */
async function closed(socket: WebSocket, ms: number, wait: Wait): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms)
      void wait.over.then(resolve)
      socket.addEventListener('close', () => resolve())
      socket.addEventListener('error', () => resolve())
      socket.accept()
    })
  } finally {
    clearTimeout(timer)
    socket.close()
  }
}

/** The records are JSON already. */
function answer(of: { topic: string; partition: number }, slice: LogSlice): Response {
  const { records, offset, next, first, end } = slice
  const rest = JSON.stringify({
    ...of,
    offset,
    next_offset: next,
    first_offset: first,
    end_offset: end,
  })
  const body = `${rest.slice(0, -1)},"records":[${records}]}`
  return new Response(body, { headers: { 'Content-Type': 'application/json' } })
}

/** @throws MatrixError what a partition answered in place of a socket */
async function requireSocket(response: Response): Promise<WebSocket> {
  if (response.webSocket !== null) return response.webSocket
  const { errcode, error } = await response.json<{ errcode: 'M_UNKNOWN'; error: string }>()
  throw new MatrixError(errcode, error, { status: response.status })
}
