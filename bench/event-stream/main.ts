/** `npm run bench:events`: what the event stream takes and gives, how late it is, and what it costs those that send. */
import { PARTITIONS } from '../../src/protocol/event-stream.ts'
import { stopAll, stopOnSignals } from '../child.ts'
import { createRoom, inParallel, register, type Session, send } from '../client.ts'
import { paced, pause, percentile, throughput } from '../measure.ts'
import { describeMachine, measureBusy } from '../report.ts'
import { processor } from './processor.ts'
import { followEvents, readEvents, type StreamServer, startStreamServer } from './servers.ts'

const ROOMS = 50
/** Events appended in batches of so many by so many writers. */
const APPENDED = 60_000
const BATCH = 100
const WRITERS = 8
const BODY = 400
/** Sends a second, and for how long. */
const RATES = [100, 250, 500]
const SECONDS = 12
/** Sends before those that count. */
const WARM_UP = 3_000
/** Pairs of rounds with and without the stream. */
const PAIRS = 6
const ROUND_MS = 4_000
const WIDTH = 8
const SETTLE_MS = 2_000

async function main(): Promise<void> {
  stopOnSignals()
  console.log(JSON.stringify({ machine: describeMachine(), busy: await measureBusy() }))
  const what = new Set(process.argv.slice(2))
  const wants = (name: string) => what.size === 0 || what.has(name)
  if (wants('append')) console.log(await withServer('on', true, appends))
  if (wants('latency'))
    for (const rate of RATES) console.log(await withServer('on', false, (server) => latency(server, rate)))
  if (wants('sends')) console.log(await sends())
  if (wants('processor')) console.log(await processor())
}

async function withServer<T>(
  stream: 'on' | 'off',
  hooks: boolean,
  work: (server: StreamServer) => Promise<T>,
): Promise<T> {
  const server = await startStreamServer(stream, hooks)
  try {
    return await work(server)
  } finally {
    await server.stop()
  }
}

/** Events a second that are appended in batches while one consumer reads all of them. */
async function appends(server: StreamServer): Promise<string> {
  let read = 0
  const done = Promise.withResolvers<void>()
  const consumer = readEvents(server, (_, count) => {
    read += count
    if (read >= APPENDED) done.resolve()
  })
  const batches = APPENDED / BATCH
  const start = performance.now()
  await inParallel(batches, WRITERS, (index) => appendBatch(server, index))
  const appended = performance.now() - start
  await done.promise
  const whole = performance.now() - start
  await consumer.stop()
  const rate = (ms: number) => Math.round(APPENDED / (ms / 1_000))
  return `append: ${rate(appended)} events/s appended, ${rate(whole)} events/s appended and read, batches of ${BATCH}`
}

async function appendBatch({ http }: StreamServer, index: number): Promise<void> {
  const records = Array.from({ length: BATCH }, (_, n) => {
    const pos = index * BATCH + n + 1
    return { pos, topic: 'events', body: JSON.stringify({ position: pos, text: 'x'.repeat(BODY) }) }
  })
  const body = { partition: index % PARTITIONS, source: `!source-${index}`, records }
  const text = JSON.stringify({ ...body, upTo: records.at(-1)?.pos })
  const { status } = await http.request('POST', '/_selvedge/test/append', undefined, text)
  if (status !== 200) throw new Error(`append: ${status}`)
}

async function roomsOf(server: StreamServer, count: number): Promise<{ sender: Session; rooms: string[] }> {
  const sender = await register(server.http)
  const rooms = await inParallel(count, WIDTH, () => createRoom(sender))
  return { sender, rooms }
}

/** From the beginning of a send to its record at the consumer, which reads by sockets; and to the answer of the send. */
async function latency(server: StreamServer, rate: number): Promise<string> {
  const { sender, rooms } = await roomsOf(server, ROOMS)
  const begun = new Map<string, number>()
  const times: number[] = []
  const answers: number[] = []
  const consumer = await followEvents(server, (records) => {
    const now = performance.now()
    for (const [, marker = ''] of records.matchAll(/"body":"(m[^"]+)"/g)) {
      const at = begun.get(marker)
      if (at !== undefined) times.push(now - at)
      begun.delete(marker)
    }
  })
  await inParallel(WARM_UP, WIDTH, (index) => send(sender, rooms[index % ROOMS] as string))
  await pause(SETTLE_MS)
  const count = rate * SECONDS
  await paced(count, rate, async (index) => {
    const marker = `mlatency${index}`
    const start = performance.now()
    begun.set(marker, start)
    await send(sender, rooms[index % ROOMS] as string, marker)
    answers.push(performance.now() - start)
  })
  for (let waited = 0; begun.size > 0 && waited < SETTLE_MS * 5; waited += SETTLE_MS) await pause(SETTLE_MS)
  consumer.stop()
  const at = (of: number[]) =>
    [50, 95, 99].map((rank) => `p${rank} ${percentile(of, rank).toFixed(1)} ms`).join(', ')
  return `at ${rate}/s in ${ROOMS} rooms: consumer ${at(times)}; answer ${at(answers)}; ${begun.size} of ${count} missing`
}

/** Sends a second with the stream and without, in turns on two servers, one of which rests. */
async function sends(): Promise<string> {
  const servers = { on: await startStreamServer('on'), off: await startStreamServer('off') }
  try {
    const figures: Record<'on' | 'off', number[]> = { on: [], off: [] }
    const made = { on: await roomsOf(servers.on, WIDTH), off: await roomsOf(servers.off, WIDTH) }
    const timing = { rounds: 1, roundMs: ROUND_MS, warmUpMs: 500, maxSamples: 0 }
    for (let pair = 0; pair < PAIRS * 2; pair += 1) {
      // Each goes first as often as the other.
      const order = pair % 2 === 0 ? (['on', 'off'] as const) : (['off', 'on'] as const)
      for (const name of order) {
        const { sender, rooms } = made[name]
        let turn = 0
        const one = () => {
          turn += 1
          return send(sender, rooms[turn % rooms.length] as string)
        }
        figures[name].push(...(await throughput(timing, WIDTH, one)))
        await pause(SETTLE_MS)
      }
    }
    const [on, off] = [percentile(figures.on, 50), percentile(figures.off, 50)]
    const share = ((100 * (off - on)) / off).toFixed(1)
    return `sends, 8 in flight into 8 rooms: ${off.toFixed(0)}/s without the stream, ${on.toFixed(0)}/s with it: ${share} % slower`
  } finally {
    await Promise.all([servers.on.stop(), servers.off.stop()])
  }
}

await main().catch(async (error: unknown) => {
  console.error(error)
  await stopAll()
  process.exitCode = 1
})
