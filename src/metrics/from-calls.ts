/** The counters of what costs money tell the metrics: what is counted there under a name is a metric here. */
import type { Metrics } from '../ports/metrics.ts'

type Tell = (n: number) => void

/** Rows are counted in tests alone, for their budgets. */
const ROWS = /^rows_/

/** Hears each count. */
export function callMetrics(metrics: Metrics): (name: string, n: number) => void {
  const known = new Map<string, Tell | undefined>()
  return (name, n) => {
    if (!known.has(name)) known.set(name, tellerOf(metrics, name))
    known.get(name)?.(n)
  }
}

function tellerOf(metrics: Metrics, name: string): Tell | undefined {
  const [object, operation] = name.split('.')
  if ((object === 'room' || object === 'user') && operation !== undefined)
    return ROWS.test(operation)
      ? undefined
      : (n) => metrics.count('object_requests_total', { object, operation }, n)
  return OTHERS[name]?.(metrics)
}

const OTHERS: Record<string, (metrics: Metrics) => Tell> = {
  'events.appended': (metrics) => (n) => metrics.count('events_appended_total', {}, n),
  'r2.reads': (metrics) => (n) => metrics.count('media_store_requests_total', { class: 'reads' }, n),
  'r2.writes': (metrics) => (n) => metrics.count('media_store_requests_total', { class: 'writes' }, n),
  'thumbnails.make': (metrics) => (n) => metrics.count('thumbnails_made_total', {}, n),
  redis_commands: (metrics) => (n) => metrics.count('redis_commands_total', {}, n),
}
