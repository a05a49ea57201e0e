/** What this isolate has served, counted by route pattern: the numbers behind `/metrics`. */
import { countWaits } from './waits.ts'

/** Upper bounds in seconds: from a warm send to a long poll that ends with nothing. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

interface Histogram {
  /** How many fell into each bucket, not yet summed up; one more than the bounds. */
  counts: number[]
  sum: number
  total: number
}

/** Other methods are counted together: a client may send any word, and each label lives as long as the isolate. */
const METHODS = new Set(['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH'])

const requests = new Map<string, number>()
const latencies = new Map<string, Histogram>()

/** Counts one answered request. */
export function observeRequest(method: string, route: string, status: number, ms: number): void {
  const labels = `method="${METHODS.has(method) ? method : 'other'}",route="${route}"`
  const byStatus = `${labels},status="${status}"`
  requests.set(byStatus, (requests.get(byStatus) ?? 0) + 1)
  observeLatency(labels, ms / 1000)
}

function observeLatency(labels: string, seconds: number): void {
  let histogram = latencies.get(labels)
  if (histogram === undefined) {
    histogram = { counts: new Array<number>(BUCKETS.length + 1).fill(0), sum: 0, total: 0 }
    latencies.set(labels, histogram)
  }
  const found = BUCKETS.findIndex((bound) => seconds <= bound)
  const bucket = found === -1 ? BUCKETS.length : found
  histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1
  histogram.sum += seconds
  histogram.total += 1
}

/**
 * The Prometheus text exposition format.
 * @param calls the counters of calls to objects and databases, by operation
 */
export function exposition(calls: Record<string, number>): string {
  const lines = [
    '# HELP selvedge_http_requests_total Requests answered.',
    '# TYPE selvedge_http_requests_total counter',
    ...[...requests].map(([labels, count]) => `selvedge_http_requests_total{${labels}} ${count}`),
    '# HELP selvedge_http_request_duration_seconds Time from request to answer, long polls included.',
    '# TYPE selvedge_http_request_duration_seconds histogram',
    ...[...latencies].flatMap(([labels, histogram]) => histogramLines(labels, histogram)),
    '# HELP selvedge_waiting_requests Requests that wait for news, on one machine.',
    '# TYPE selvedge_waiting_requests gauge',
    `selvedge_waiting_requests ${countWaits()}`,
    '# HELP selvedge_events_appended_total Events appended to rooms.',
    '# TYPE selvedge_events_appended_total counter',
    `selvedge_events_appended_total ${calls[EVENTS_APPENDED] ?? 0}`,
    '# HELP selvedge_calls_total Calls to objects and databases, and rows written, by operation.',
    '# TYPE selvedge_calls_total counter',
    ...Object.entries(calls).map(
      ([name, n]) => `selvedge_calls_total{operation="${escapeLabel(name)}"} ${n}`,
    ),
  ]
  return `${lines.join('\n')}\n`
}

/** The counter under which rooms count what they append. */
const EVENTS_APPENDED = 'events.appended'

function histogramLines(labels: string, { counts, sum, total }: Histogram): string[] {
  const name = 'selvedge_http_request_duration_seconds'
  let below = 0
  const buckets = BUCKETS.map((bound, index) => {
    below += counts[index] ?? 0
    return `${name}_bucket{${labels},le="${bound}"} ${below}`
  })
  return [
    ...buckets,
    `${name}_bucket{${labels},le="+Inf"} ${total}`,
    `${name}_sum{${labels}} ${sum}`,
    `${name}_count{${labels}} ${total}`,
  ]
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
