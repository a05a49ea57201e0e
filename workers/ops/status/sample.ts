/** What the status pages look at, as it stands at one moment. */
import { type Gauge, METRICS, type MetricName, type Series } from '../../../src/ports/metrics.ts'

/** Sums since the beginning. */
export interface Totals {
  requests: number
  failed: number
  limited: number
  events: number
  wakes: number
  pushes: number
  pushesFailed: number
  uploaded: number
  downloaded: number
  postgres: number
  redis: number
  lookups: number
  hits: number
}

/** How often something took how long: the buckets of a histogram, not summed up. */
export interface Durations {
  /** Of requests that do not wait by nature. */
  answers: number[]
  postgres: number[]
  redis: number[]
}

export interface Sample {
  /** ms since the epoch. */
  at: number
  totals: Totals
  durations: Durations
  gauges: readonly Gauge[]
}

/** What waits for news, or for a client's own line. The alerts' rule of the same purpose is in `ops/prometheus`. */
const WAITS =
  /(\/sync|\/events|\/initialSync|\.stream|\/upload.*|\/download\/.*|\/thumbnail\/.*|\/preview_url|\/rendezvous.*)$/

type Labels = Record<string, string>

export function sampleOf(at: number, series: readonly Series[], gauges: readonly Gauge[]): Sample {
  const sum = (name: MetricName, fits: (labels: Labels) => boolean = () => true) =>
    chosen(series, name, fits).reduce((total, { values }) => total + totalOf(name, values), 0)
  const buckets = (name: MetricName, fits: (labels: Labels) => boolean = () => true) =>
    added(
      name,
      chosen(series, name, fits).map(({ values }) => values.slice(0, -1)),
    )
  return {
    at,
    totals: {
      requests: sum('http_requests_total'),
      failed: sum('http_requests_total', ({ status = '' }) => status.startsWith('5')),
      limited: sum('rate_limited_requests_total'),
      events: sum('events_appended_total'),
      wakes: sum('wakes_total'),
      pushes: sum('pushes_total'),
      pushesFailed: sum('pushes_total', ({ outcome }) => outcome === 'failed'),
      uploaded: sum('media_bytes_total', ({ direction }) => direction === 'uploaded'),
      downloaded: sum('media_bytes_total', ({ direction }) => direction === 'downloaded'),
      postgres: sum('postgres_request_duration_seconds'),
      redis: sum('redis_request_duration_seconds'),
      lookups: sum('redis_lookups_total'),
      hits: sum('redis_lookups_total', ({ result }) => result === 'hit'),
    },
    durations: {
      answers: buckets('http_request_duration_seconds', ({ route = '' }) => !WAITS.test(route)),
      postgres: buckets('postgres_request_duration_seconds'),
      redis: buckets('redis_request_duration_seconds'),
    },
    gauges,
  }
}

function chosen(series: readonly Series[], wanted: MetricName, fits: (labels: Labels) => boolean): Series[] {
  const { labels: names } = METRICS[wanted]
  return series.filter(
    ({ name, labels }) =>
      name === wanted && fits(Object.fromEntries(names.map((label, index) => [label, labels[index] ?? '']))),
  )
}

/** Of a histogram: how often it was observed. */
function totalOf(name: MetricName, values: readonly number[]): number {
  const counts = METRICS[name].kind === 'counter' ? values : values.slice(0, -1)
  return counts.reduce((total, count) => total + count, 0)
}

function added(name: MetricName, lists: readonly (readonly number[])[]): number[] {
  return [...boundsOf(name), Number.POSITIVE_INFINITY].map((_, index) =>
    lists.reduce((total, list) => total + (list[index] ?? 0), 0),
  )
}

/** The upper bounds of a histogram's buckets, s. */
export function boundsOf(name: MetricName): readonly number[] {
  const row = METRICS[name]
  return 'buckets' in row ? row.buckets : []
}

/** A gauge by its name and, where it has some, its labels; undefined where nobody knows. */
export function gaugeIn(
  gauges: readonly Gauge[],
  name: Gauge['name'],
  labels: Labels = {},
): number | undefined {
  return gauges.find(
    (gauge) =>
      gauge.name === name && Object.entries(labels).every(([label, value]) => gauge.labels[label] === value),
  )?.value
}
