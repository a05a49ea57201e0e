/** The Prometheus text exposition format. */
import {
  GAUGES,
  type Gauge,
  type GaugeName,
  METRICS,
  type MetricName,
  type Series,
} from '../ports/metrics.ts'

/** In front of each name. */
const PREFIX = 'selvedge_'

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Every metric of the table has its help and type, also where nothing was counted yet. */
export function exposition(series: readonly Series[], gauges: readonly Gauge[]): string {
  const byName = Map.groupBy(series, ({ name }) => name)
  const gaugesByName = Map.groupBy(gauges, ({ name }) => name)
  const lines = [
    ...(Object.keys(METRICS) as MetricName[]).flatMap((name) => metricLines(name, byName.get(name) ?? [])),
    ...(Object.keys(GAUGES) as GaugeName[]).flatMap((name) => gaugeLines(name, gaugesByName.get(name) ?? [])),
  ]
  return `${lines.join('\n')}\n`
}

function metricLines(name: MetricName, series: readonly Series[]): string[] {
  const row = METRICS[name]
  const lines = heading(name, row.help, row.kind)
  // A counter without labels is there from the beginning: what is missing cannot be told from what is 0.
  if (row.kind === 'counter' && row.labels.length === 0 && series.length === 0)
    return [...lines, `${PREFIX}${name} 0`]
  return [
    ...lines,
    ...series.flatMap((one) => (row.kind === 'counter' ? counterLine(one) : histogramLines(one))),
  ]
}

function gaugeLines(name: GaugeName, gauges: readonly Gauge[]): string[] {
  if (gauges.length === 0) return []
  const names: readonly string[] = GAUGES[name].labels
  const lines = gauges.map(
    ({ labels, value }) =>
      `${PREFIX}${name}${braces(
        pairs(
          names,
          names.map((label) => labels[label] ?? ''),
        ),
      )} ${value}`,
  )
  return [...heading(name, GAUGES[name].help, 'gauge'), ...lines]
}

function heading(name: string, help: string, kind: string): string[] {
  return [`# HELP ${PREFIX}${name} ${help}`, `# TYPE ${PREFIX}${name} ${kind}`]
}

function counterLine({ name, labels, values }: Series): string {
  return `${PREFIX}${name}${braces(pairs(METRICS[name].labels, labels))} ${values[0]}`
}

function histogramLines({ name, labels, values }: Series): string[] {
  const row = METRICS[name]
  const bounds: readonly number[] = 'buckets' in row ? row.buckets : []
  const own = pairs(row.labels, labels)
  let below = 0
  const buckets = [...bounds, '+Inf'].map((bound, index) => {
    below += values[index] ?? 0
    return `${PREFIX}${name}_bucket${braces([...own, `le="${bound}"`])} ${below}`
  })
  return [
    ...buckets,
    `${PREFIX}${name}_sum${braces(own)} ${values[bounds.length + 1] ?? 0}`,
    `${PREFIX}${name}_count${braces(own)} ${below}`,
  ]
}

function pairs(names: readonly string[], values: readonly string[]): string[] {
  return names.map((name, index) => `${name}="${escapeLabel(values[index] ?? '')}"`)
}

function braces(labels: readonly string[]): string {
  return labels.length === 0 ? '' : `{${labels.join(',')}}`
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
