/** What a send costs in processor time, which a busy machine changes little: with the stream and without, in turns. */
import { createRoom, inParallel, register, send } from '../client.ts'
import { paced, pause, percentile } from '../measure.ts'
import { treeProcessorMs } from '../process-tree.ts'
import { readEvents, type StreamServer, startStreamServer } from './servers.ts'

/** Short rounds in quick turns: what else the machine does meets both alike. */
const ROUNDS = 24
const WARM_UP = 1_500
/** The archive is told within a second. */
const SETTLE_MS = 1_300

/** How the messages come. */
interface Load {
  rooms: number
  /** Of a round. */
  sends: number
  /** In flight at once; with a rate it does not matter. */
  width: number
  /** A second; absent: as fast as they are answered. */
  rate?: number
  /** Whether a consumer reads along. */
  read: boolean
}

const LOADS: Record<string, Load> = {
  'as fast as it goes into 8 rooms': { rooms: 8, sends: 1_000, width: 8, read: false },
  '200/s in 20 rooms': { rooms: 20, sends: 300, width: 8, rate: 200, read: false },
  '200/s in 20 rooms, with a reader': { rooms: 20, sends: 300, width: 8, rate: 200, read: true },
}

type Side = 'on' | 'off'

export async function processor(): Promise<string> {
  const servers = { on: await startStreamServer('on'), off: await startStreamServer('off') }
  try {
    const lines: string[] = []
    for (const [name, load] of Object.entries(LOADS)) {
      const line = `${name}: ${await compare(servers, load)}`
      console.log(line)
      lines.push(line)
    }
    return `processor time of a send\n${lines.join('\n')}`
  } finally {
    await Promise.all([servers.on.stop(), servers.off.stop()])
  }
}

async function compare(servers: Record<Side, StreamServer>, load: Load): Promise<string> {
  const makeOn = await sender(servers.on, load)
  const makeOff = await sender(servers.off, load)
  const figures: Record<Side, number[]> = { on: [], off: [] }
  const consumer = load.read ? readEvents(servers.on, () => undefined) : undefined
  await makeOn(WARM_UP)
  await makeOff(WARM_UP)
  for (let round = 0; round < ROUNDS; round += 1) {
    const order: Side[] = round % 2 === 0 ? ['on', 'off'] : ['off', 'on']
    for (const side of order) {
      const before = treeProcessorMs([servers[side].pid]) ?? Number.NaN
      await (side === 'on' ? makeOn : makeOff)(load.sends)
      await pause(SETTLE_MS)
      figures[side].push(((treeProcessorMs([servers[side].pid]) ?? Number.NaN) - before) / load.sends)
    }
  }
  await consumer?.stop()
  return [25, 50].map((rank) => figure(figures, rank)).join('; ')
}

function figure(figures: Record<Side, number[]>, rank: number): string {
  const [on, off] = [percentile(figures.on, rank), percentile(figures.off, rank)]
  const more = ((100 * (on - off)) / off).toFixed(1)
  return `p${rank} ${off.toFixed(2)} ms without the stream, ${on.toFixed(2)} ms with it: ${more} % more`
}

async function sender(server: StreamServer, load: Load): Promise<(count: number) => Promise<unknown>> {
  const user = await register(server.http)
  const rooms = await inParallel(load.rooms, load.width, () => createRoom(user))
  let turn = 0
  const one = () => {
    turn += 1
    const roomId = rooms[turn % rooms.length] as string
    // A connection that has rested may be closed in the same moment.
    return send(user, roomId).catch(() => send(user, roomId))
  }
  return (count) =>
    load.rate === undefined ? inParallel(count, load.width, one) : paced(count, load.rate, one)
}
