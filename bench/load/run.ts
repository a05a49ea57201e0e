/** One run: users register and join their groups, the clients connect, rest, talk, and are asked what they have seen. */

import { createRoom, inParallel, join, registerMany, type Session, send, uniqueMarker } from '../client.ts'
import type { HttpClient } from '../http.ts'
import { paced, pause, percentile } from '../measure.ts'
import { settledMemoryMb, treeMemoryMb, treeProcessorMs } from '../process-tree.ts'
import type { Server } from '../target.ts'
import { idleStream, KINDS, type LoadClient } from './kinds.ts'
import { type Delivery, Ledger, Reader } from './ledger.ts'
import type { LoadOptions } from './options.ts'

const WIDTH = 8
const LOOK_MS = 50
const CONNECT_LIMIT_MS = 120_000
/** So long after the last acknowledgement a message that has not come is lost. */
const LATE_LIMIT_MS = 30_000
const MEMORY_EVERY_MS = 2_000
/** In the first seconds of talk objects come back to memory, and the runtime compiles what it meets, ms. */
export const WAKING_MS = 5_000
/** Objects on which nobody calls leave the memory after ten seconds. */
const OBJECTS_STAY_MS = 15_000

export interface Connected {
  count: number
  /** Those that had no first answer in time. */
  failed: number
  /** From the start of the first to the first answer of the last. */
  perSecond: number
  firstAnswerP50: number
  firstAnswerP99: number
  /** Of one client at rest, MB. */
  memory?: number
  /** Of the server while they connected, ms. */
  processor?: number
  /** Of the server at rest, ms each second: before they came, and with them. */
  processorBefore?: number
  processorAtRest?: number
  /** Of the server before they came, MB. */
  memoryBefore?: number
}

/** Of the times from a send until a client has the message, ms. */
interface Percentiles {
  p50: number
  p95: number
  p99: number
}

export interface Talk extends Percentiles {
  acknowledged: number
  deliveries: number
  lost: number
  doubled: number
  gaps: number
  /** Of the messages of the first seconds, ms. */
  waking: Percentiles
  /** Of those after them, ms. */
  awake: Percentiles
  /** Of one client that talks, at the most, MB. */
  memory?: number
  /** Of the server while they talked, ms. */
  processor?: number
}

export interface LoadResult {
  idle?: Connected
  clients?: Connected
  talk?: Talk
  errors: Record<string, number>
}

interface Run {
  server: Server
  http: HttpClient
  options: LoadOptions
  /** How long the server rests before what it does at rest is measured, ms; 0 measures neither that nor memory. */
  restMs: number
  ledger: Ledger
  say(line: string): void
}

interface Group {
  roomId: string
  readers: readonly Reader[]
}

/** Runs the load that the options ask for. All clients are closed when it answers. */
export async function runLoad(parts: Omit<Run, 'ledger'>): Promise<LoadResult> {
  const run: Run = { ...parts, ledger: new Ledger() }
  const { options, ledger } = run
  const result: LoadResult = { errors: ledger.errors }
  const open: LoadClient[] = []
  try {
    const sleepers = await readers(run, options.idle)
    const groups = options.kind === undefined ? [] : await gather(run)
    await forget(run)
    if (sleepers.length > 0) {
      run.say(`${sleepers.length} idle sockets connect`)
      const clients = sleepers.map(idleStream)
      open.push(...clients)
      result.idle = await connect(run, clients)
    }
    if (options.kind === undefined) return result
    run.say(`${options.clients} clients connect`)
    const clients = groups.flatMap((group) => group.readers).map(KINDS[options.kind])
    open.push(...clients)
    result.clients = await connect(run, clients)
    run.say(`${groups.length} groups of ${options.groups} talk for ${options.seconds} s`)
    result.talk = await talk(run, groups, result.clients.memoryBefore)
    return result
  } finally {
    for (const client of open) client.close()
  }
}

async function readers({ http, ledger, say }: Run, count: number): Promise<Reader[]> {
  if (count === 0) return []
  say(`${count} users register`)
  return (await registerMany(http, count, WIDTH)).map((session) => new Reader(session, ledger))
}

async function gather(run: Run): Promise<Group[]> {
  const { clients, groups: size } = run.options
  const all = await readers(run, clients)
  run.say(`${clients} users join groups of ${size}`)
  return inParallel(clients / size, WIDTH, async (index) => {
    const [owner, ...others] = all.slice(index * size, (index + 1) * size)
    const roomId = await createRoom((owner as Reader).session, { preset: 'public_chat' })
    for (const { session } of others) await join(session, roomId)
    return { roomId, readers: [owner as Reader, ...others] }
  })
}

/** Starts a server of our own anew: what registration left in memory would go while the clients are measured. */
async function forget({ server, http, say }: Run): Promise<void> {
  if (server.restart === undefined) return
  say('the server starts anew')
  http.close()
  await server.restart()
}

async function connect(
  { server: { pids }, options, restMs, ledger }: Run,
  clients: LoadClient[],
): Promise<Connected> {
  const memoryBefore = restMs > 0 ? await settledMemoryMb(pids) : undefined
  const processorBefore = await processorAtRest(pids, restMs)
  const processor = treeProcessorMs(pids)
  const firstAnswers: number[] = []
  const start = performance.now()
  let last = start
  await paced(clients.length, options.connectRate, async (index) => {
    const began = performance.now()
    const answered = await inTime(clients[index] as LoadClient)
    if (answered === true) {
      last = performance.now()
      firstAnswers.push(last - began)
    } else ledger.error(answered)
  })
  const connected: Connected = {
    count: clients.length,
    failed: clients.length - firstAnswers.length,
    perSecond: firstAnswers.length / ((last - start) / 1_000),
    firstAnswerP50: percentile(firstAnswers, 50),
    firstAnswerP99: percentile(firstAnswers, 99),
    processor: difference(treeProcessorMs(pids), processor),
  }
  if (restMs === 0) return connected
  await pause(OBJECTS_STAY_MS)
  const memory = difference(await settledMemoryMb(pids), memoryBefore)
  return {
    ...connected,
    memory: memory === undefined ? undefined : memory / clients.length,
    memoryBefore,
    processorBefore,
    processorAtRest: await processorAtRest(pids, restMs),
  }
}

/** Processor time of the server while nothing is asked of it, ms each second. */
async function processorAtRest(pids: readonly number[], restMs: number): Promise<number | undefined> {
  if (restMs === 0) return undefined
  const before = treeProcessorMs(pids)
  await pause(restMs)
  const taken = difference(treeProcessorMs(pids), before)
  return taken === undefined ? undefined : taken / (restMs / 1_000)
}

/** Whether the client has its first answer in time; else what is wrong. */
function inTime(client: LoadClient): Promise<true | string> {
  return new Promise((resolve) => {
    const limit = setTimeout(() => resolve('no first answer'), CONNECT_LIMIT_MS)
    const settle = (answer: true | string) => {
      clearTimeout(limit)
      resolve(answer)
    }
    client.open().then(
      () => settle(true),
      (error: unknown) => settle(error instanceof Error ? error.message.slice(0, 80) : String(error)),
    )
  })
}

async function talk(run: Run, groups: readonly Group[], before: number | undefined): Promise<Talk> {
  const { server, options, ledger } = run
  const processor = treeProcessorMs(server.pids)
  const peak = watchMemory(server)
  const awakeAt = performance.now() + WAKING_MS
  await paced(options.rate * options.seconds, options.rate, (index) => say(ledger, groups, index))
  const spent = difference(treeProcessorMs(server.pids), processor)
  const memory = difference(peak(), before)
  const end = performance.now() + LATE_LIMIT_MS
  while (ledger.lost > 0 && performance.now() < end) await pause(LOOK_MS)
  const { acknowledged, deliveries, lost, doubled, gaps } = ledger
  return {
    acknowledged,
    deliveries: deliveries.length,
    lost,
    doubled,
    gaps,
    ...percentiles(deliveries),
    waking: percentiles(deliveries.filter(({ sentAt }) => sentAt < awakeAt)),
    awake: percentiles(deliveries.filter(({ sentAt }) => sentAt >= awakeAt)),
    memory: memory === undefined ? undefined : memory / options.clients,
    processor: spent,
  }
}

/** Of no deliveries, NaN. */
function percentiles(deliveries: readonly Delivery[]): Percentiles {
  const latencies = deliveries.map(({ latency }) => latency)
  return { p50: percentile(latencies, 50), p95: percentile(latencies, 95), p99: percentile(latencies, 99) }
}

/** One message: the groups take turns, and so do the members of each. */
async function say(ledger: Ledger, groups: readonly Group[], index: number): Promise<void> {
  const { roomId, readers: members } = groups[index % groups.length] as Group
  const turn = Math.floor(index / groups.length) % members.length
  const marker = uniqueMarker()
  const session: Session = (members[turn] as Reader).session
  ledger.sending(marker)
  try {
    await send(session, roomId, marker)
    ledger.acknowledge(marker, members)
  } catch (error) {
    ledger.error(
      `send: ${error instanceof Error ? error.message.replace(/^PUT [^:]*/, '').slice(0, 80) : error}`,
    )
  }
}

/** Looks at the server's memory now and then. Answers what ends that, and tells the most there was. */
function watchMemory({ pids }: Server): () => number | undefined {
  let most = treeMemoryMb(pids)
  const look = () => {
    const now = treeMemoryMb(pids)
    if (now !== undefined && now > (most ?? 0)) most = now
  }
  const timer = setInterval(look, MEMORY_EVERY_MS)
  return () => {
    clearInterval(timer)
    look()
    return most
  }
}

function difference(after: number | undefined, before: number | undefined): number | undefined {
  return after === undefined || before === undefined ? undefined : after - before
}
