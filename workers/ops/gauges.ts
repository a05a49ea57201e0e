/** How things stand: what this isolate knows, and on one machine what its stores and the launcher say. */
import * as z from 'zod'
import { inTime } from '../../src/patience.ts'
import { GAUGES, type Gauge, type GaugeName } from '../../src/ports/metrics.ts'
import { record } from '../../src/protocol/json-schemas.ts'
import { VERSION } from '../../src/version.ts'
import type { AppContext } from '../app-env.ts'
import { countWaits } from '../middleware/waits.ts'

/** A scrape must end, whatever hangs, ms. */
const PATIENCE_MS = 1_000

const Told = z.array(
  z.object({
    name: z.enum(Object.keys(GAUGES) as [GaugeName]),
    labels: record(z.string(), z.string()),
    value: z.number(),
  }),
)

/** Where there are many isolates, none of them knows how things stand. */
export async function gaugesOf(c: AppContext): Promise<Gauge[]> {
  const info: Gauge = { name: 'info', labels: { version: VERSION }, value: 1 }
  const { MACHINE: machine } = c.env
  if (machine === undefined) return [info]
  const parts = await Promise.all([ofStores(c), ofMachine(machine)])
  return [info, ...ofThisIsolate(c), ...parts.flat()]
}

function ofThisIsolate(c: AppContext): Gauge[] {
  const { backlogs, metrics } = c.var.ports
  const total = (wanted: string) => metrics.all().find(({ name }) => name === wanted)?.values[0] ?? 0
  const open = total('stream_sockets_opened_total') - total('stream_sockets_closed_total')
  return [
    { name: 'waiting_requests', labels: {}, value: countWaits() },
    { name: 'stream_sockets', labels: {}, value: open },
    ...backlogs.all().flatMap(({ object, consumer, behind, oldestMs }): Gauge[] => [
      { name: 'consumer_objects_behind', labels: { object, consumer }, value: behind },
      { name: 'consumer_oldest_seconds', labels: { object, consumer }, value: oldestMs / 1000 },
    ]),
  ]
}

async function ofStores(c: AppContext): Promise<Gauge[]> {
  const { storeFacts } = c.var.ports
  const [redis, postgres] = await Promise.all([
    inTime(PATIENCE_MS, storeFacts.redis()),
    inTime(PATIENCE_MS, storeFacts.postgres()),
  ])
  const known: [GaugeName, number | undefined][] = [
    ['redis_memory_bytes', redis?.memoryBytes],
    ['redis_keys', redis?.keys],
    ['postgres_size_bytes', postgres?.bytes],
  ]
  return [
    { name: 'store_up', labels: { store: 'redis' }, value: redis === undefined ? 0 : 1 },
    { name: 'store_up', labels: { store: 'postgres' }, value: postgres === undefined ? 0 : 1 },
    ...known.flatMap(([name, value]) => (value === undefined ? [] : [{ name, labels: {}, value }])),
  ]
}

/** What the launcher says of the disk and of the processes. */
async function ofMachine(machine: Fetcher): Promise<Gauge[]> {
  const asked = machine
    .fetch('http://machine.local/gauges')
    .then(async (answer) => Told.parse(await answer.json()))
  return (await inTime(PATIENCE_MS, asked)) ?? []
}
