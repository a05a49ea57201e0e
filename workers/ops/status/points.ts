/** What happened between two looks, as charts show it; the last hour of it in memory. */
import type { MetricName } from '../../../src/ports/metrics.ts'
import { boundsOf, type Durations, gaugeIn, type Sample, type Totals } from './sample.ts'

/** A moment on the charts. Null: nobody knows. */
export interface Point {
  /** s since the epoch. */
  at: number
  values: Record<string, number | null>
}

/** Looks that come closer together are one. */
const APART_MS = 2_000
/** An hour of a page that looks every five seconds. */
const KEPT = 720

const RATES: (keyof Totals)[] = [
  'requests',
  'limited',
  'events',
  'wakes',
  'pushes',
  'uploaded',
  'downloaded',
  'postgres',
  'redis',
]
/** What of what. */
const SHARES: Record<string, [keyof Totals, keyof Totals]> = {
  failedShare: ['failed', 'requests'],
  hitShare: ['hits', 'lookups'],
  pushesFailedShare: ['pushesFailed', 'pushes'],
}
const HISTOGRAMS: Record<keyof Durations, MetricName> = {
  answers: 'http_request_duration_seconds',
  postgres: 'postgres_request_duration_seconds',
  redis: 'redis_request_duration_seconds',
}

/** What happened from one sample to the next. */
export function pointBetween(before: Sample, now: Sample): Point {
  const seconds = (now.at - before.at) / 1000
  const grown = (name: keyof Totals) => now.totals[name] - before.totals[name]
  // After a restart counters begin anew: what lies between is not known.
  const isNew = now.totals.requests < before.totals.requests
  const values: Point['values'] = {}
  for (const name of RATES) values[name] = isNew ? null : grown(name) / seconds
  for (const [name, [part, whole]] of Object.entries(SHARES))
    values[name] = isNew || grown(whole) === 0 ? null : grown(part) / grown(whole)
  for (const [name, metric] of Object.entries(HISTOGRAMS) as [keyof Durations, MetricName][]) {
    const counts = now.durations[name].map((count, index) => count - (before.durations[name][index] ?? 0))
    values[`${name}Half`] = isNew ? null : quantile(0.5, boundsOf(metric), counts)
    values[`${name}Most`] = isNew ? null : quantile(0.99, boundsOf(metric), counts)
  }
  return { at: now.at / 1000, values: { ...values, ...standing(now) } }
}

function standing({ gauges }: Sample): Point['values'] {
  const lags = gauges
    .filter(({ name, labels }) => name === 'consumer_oldest_seconds' && labels.consumer === 'archive')
    .map(({ value }) => value)
  return {
    archiveLag: lags.length === 0 ? null : Math.max(...lags),
    waiting: gaugeIn(gauges, 'waiting_requests') ?? null,
    streams: gaugeIn(gauges, 'stream_sockets') ?? null,
    memory: gaugeIn(gauges, 'process_resident_memory_bytes', { process: 'workerd' }) ?? null,
    redisMemory: gaugeIn(gauges, 'redis_memory_bytes') ?? null,
    postgresSize: gaugeIn(gauges, 'postgres_size_bytes') ?? null,
  }
}

/**
 * As Prometheus reckons it: evenly spread within the bucket in which it lies; null where nothing was observed.
 * @param counts of each bucket, and of what lies above the last bound
 */
export function quantile(share: number, bounds: readonly number[], counts: readonly number[]): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total <= 0) return null
  let rank = share * total
  for (const [index, bound] of bounds.entries()) {
    const count = counts[index] ?? 0
    const lower = index === 0 ? 0 : (bounds[index - 1] ?? 0)
    if (count > 0 && rank <= count) return lower + (bound - lower) * (rank / count)
    rank -= count
  }
  return bounds.at(-1) ?? null
}

export class History {
  readonly #points: Point[] = []
  #last: Sample | undefined

  /** Takes a look into the history, unless the one before was a moment ago. */
  look(sample: Sample): void {
    const last = this.#last
    if (last !== undefined && sample.at - last.at < APART_MS) return
    this.#last = sample
    if (last === undefined) return
    this.#points.push(pointBetween(last, sample))
    if (this.#points.length > KEPT) this.#points.shift()
  }

  /** The oldest first. */
  get points(): readonly Point[] {
    return this.#points
  }
}
