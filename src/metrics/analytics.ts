/**
 * Counts of many isolates, gathered in Workers Analytics Engine: each isolate writes how much its counters have grown,
 * and a query sums up. A point's index is the metric, its blobs the labels, its doubles the numbers.
 */
import * as z from 'zod'
import { readBytes } from '../outside.ts'
import { type GatheredMetrics, METRICS, type MetricName, type Series } from '../ports/metrics.ts'
import type { Clock } from '../ports/system.ts'
import { looseObject } from '../protocol/json-schemas.ts'
import { type Registry, zeros } from './registry.ts'

/** What one invocation may write. What does not fit goes with a later one. */
const MOST_POINTS = 25
/** How often an isolate writes: the platform lets work beside an answer go on for 30 s. */
const EVERY_MS = 20_000

/** Where the sums are asked for: Cloudflare's API. */
export interface AnalyticsQuery {
  /** Without a slash at its end. */
  api: string
  account: string
  token: string
  dataset: string
  fetch: typeof fetch
}

/** The binding. */
export interface Dataset {
  writeDataPoint(point: Point): void
}

interface Point {
  indexes: string[]
  blobs: string[]
  doubles: number[]
}

export interface AnalyticsParts {
  dataset: Dataset
  registry: Registry
  clock: Clock
  sleep: (ms: number) => Promise<void>
  query: AnalyticsQuery | undefined
}

export function analyticsEngine(parts: AnalyticsParts): GatheredMetrics {
  const { dataset, registry, clock, query, sleep } = parts
  let flushedAt = Number.NEGATIVE_INFINITY
  let isWaiting = false
  const flush = (): void => {
    if (clock.now() - flushedAt < EVERY_MS) return
    flushedAt = clock.now()
    for (const { name, labels, values } of registry.takeNew(MOST_POINTS))
      dataset.writeDataPoint({ indexes: [name], blobs: [...labels], doubles: [...values] })
  }
  return {
    flush,
    flushBeside(later) {
      flush()
      if (isWaiting) return
      isWaiting = true
      const waited = sleep(flushedAt + EVERY_MS - clock.now()).then(() => {
        isWaiting = false
        flush()
      })
      later(waited)
    },
    ...(query !== undefined && { read: () => sums(query, clock.now()) }),
  }
}

/** Blobs that a metric's labels need, and doubles that its numbers need, at most. */
const BLOBS = 3
const DOUBLES = 20

/**
 * The sums since midnight, UTC: a counter that begins anew once a day, as after a restart. The engine may have kept one
 * of several points, and says for how many each stands.
 */
export function sumsQuery(dataset: string, now: number): string {
  const midnight = `${new Date(now).toISOString().slice(0, 10)} 00:00:00`
  const blobs = Array.from({ length: BLOBS }, (_, index) => `blob${index + 1}`)
  const doubles = Array.from(
    { length: DOUBLES },
    (_, index) => `SUM(_sample_interval * double${index + 1}) AS sum${index + 1}`,
  )
  return [
    `SELECT index1 AS metric, ${[...blobs, ...doubles].join(', ')}`,
    `FROM ${dataset}`,
    `WHERE timestamp >= toDateTime('${midnight}')`,
    `GROUP BY metric, ${blobs.join(', ')}`,
    'FORMAT JSON',
  ].join(' ')
}

/** ClickHouse may write numbers as strings. */
const Row = looseObject({ metric: z.string() })
const Answer = z.object({ data: z.array(Row).max(50_000) })
const Sum = z.coerce.number().catch(0)

/** Bytes of an answer: some thousand series. */
const LONGEST_ANSWER = 8 * 1024 * 1024
const PATIENCE_MS = 10_000

/** @throws Error when the API does not answer the query; its text is left behind */
async function sums(query: AnalyticsQuery, now: number): Promise<Series[]> {
  const response = await query.fetch(`${query.api}/accounts/${query.account}/analytics_engine/sql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${query.token}`, 'content-type': 'text/plain' },
    body: sumsQuery(query.dataset, now),
    redirect: 'manual',
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
  const { bytes, isWhole } = await readBytes(response, LONGEST_ANSWER)
  if (!response.ok || !isWhole) throw new Error(`Analytics Engine answered ${response.status}`)
  const { data } = Answer.parse(JSON.parse(new TextDecoder().decode(bytes)))
  return data.flatMap((row) => seriesOf(row) ?? [])
}

/** A row as a series; undefined for a metric of another version. */
function seriesOf(row: z.infer<typeof Row>): Series | undefined {
  if (!Object.hasOwn(METRICS, row.metric)) return undefined
  const name = row.metric as MetricName
  return {
    name,
    labels: METRICS[name].labels.map((_, index) => String(row[`blob${index + 1}`] ?? '')),
    values: zeros(name).map((_, index) => Sum.parse(row[`sum${index + 1}`])),
  }
}
