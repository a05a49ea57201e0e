/** The counters of one isolate. */
import {
  type CounterName,
  type HistogramName,
  type LabelsOf,
  METRICS,
  type MetricName,
  type MetricsReader,
  type Series,
} from '../ports/metrics.ts'

/** Further sets of labels of a metric count together: each lives as long as the isolate. */
const MOST_SERIES = 2_000
const OTHER = 'other'

interface Counted extends Series {
  values: number[]
  /** What was taken of it by `takeNew`. */
  taken: number[]
}

export class Registry implements MetricsReader {
  readonly #metrics = new Map<MetricName, Map<string, Counted>>()

  count<N extends CounterName>(name: N, labels: LabelsOf<N>, n = 1): void {
    const { values } = this.#series(name, labels)
    values[0] = values[0]! + n
  }

  observe<N extends HistogramName>(name: N, labels: LabelsOf<N>, seconds: number): void {
    const { values } = this.#series(name, labels)
    const bounds: readonly number[] = METRICS[name].buckets
    const found = bounds.findIndex((bound) => seconds <= bound)
    const bucket = found === -1 ? bounds.length : found
    values[bucket] = values[bucket]! + 1
    values[bounds.length + 1] = values[bounds.length + 1]! + seconds
  }

  /** All that was counted since the isolate began. */
  all(): Series[] {
    return [...this.#metrics.values()].flatMap((byLabels) => [...byLabels.values()])
  }

  /** What has grown since the last call: at most so many series, each by how much. */
  takeNew(most: number): Series[] {
    const grown: Series[] = []
    for (const byLabels of this.#metrics.values()) {
      for (const series of byLabels.values()) {
        if (grown.length === most) return grown
        const { name, labels, values, taken } = series
        const news = values.map((value, index) => value - taken[index]!)
        if (news.every((value) => value === 0)) continue
        series.taken = [...values]
        grown.push({ name, labels, values: news })
      }
    }
    return grown
  }

  #series(name: MetricName, given: Record<string, string>): Counted {
    let byLabels = this.#metrics.get(name)
    if (byLabels === undefined) {
      byLabels = new Map()
      this.#metrics.set(name, byLabels)
    }
    const row = METRICS[name]
    const known = byLabels.get(keyOf(row.labels, given))
    if (known !== undefined) return known
    const isFull = byLabels.size >= MOST_SERIES
    const labels = row.labels.map((label) => (isFull ? OTHER : given[label]!))
    const key = isFull ? OTHER : keyOf(row.labels, given)
    const found = byLabels.get(key) ?? { name, labels, values: zeros(name), taken: zeros(name) }
    byLabels.set(key, found)
    return found
  }
}

/** Several are made for each request: no list is. */
function keyOf(names: readonly string[], given: Record<string, string>): string {
  let key = ''
  for (const name of names) key += `${given[name]!}\u0000`
  return key
}

/** As many numbers as a series of this metric has. */
export function zeros(name: MetricName): number[] {
  const row = METRICS[name]
  return new Array<number>('buckets' in row ? row.buckets.length + 2 : 1).fill(0)
}
