/** A run of the load in words: the table, and whether it went well. */

import { busyNote, formatNumber, renderTable } from '../report.ts'
import type { CommandOptions } from './options.ts'
import { type Connected, type LoadResult, type Talk, WAKING_MS } from './run.ts'

export interface LoadReport {
  date: string
  machine: string
  /** The share of the processors that others used before the load began. */
  busy: number
  options: CommandOptions
  result: LoadResult
}

interface Figure<Of> {
  label: string
  unit: string
  of(measured: Of): number | undefined
}

const CONNECTED: readonly Figure<Connected>[] = [
  { label: 'connected', unit: '', of: ({ count, failed }) => count - failed },
  { label: 'connections', unit: '/s', of: ({ perSecond }) => perSecond },
  { label: 'time to first answer, p50', unit: 'ms', of: ({ firstAnswerP50 }) => firstAnswerP50 },
  { label: 'time to first answer, p99', unit: 'ms', of: ({ firstAnswerP99 }) => firstAnswerP99 },
  { label: 'memory before', unit: 'MB', of: ({ memoryBefore }) => memoryBefore },
  { label: 'memory of one at rest', unit: 'MB', of: ({ memory }) => memory },
  { label: 'processor time, connecting', unit: 'ms', of: ({ processor }) => processor },
  { label: 'processor time, before', unit: 'ms/s', of: ({ processorBefore }) => processorBefore },
  { label: 'processor time, at rest', unit: 'ms/s', of: ({ processorAtRest }) => processorAtRest },
]

const FIRST = `latency, first ${WAKING_MS / 1_000} s`
const LATER = 'latency after them'

const TALK: readonly Figure<Talk>[] = [
  { label: 'messages acknowledged', unit: '', of: ({ acknowledged }) => acknowledged },
  { label: 'deliveries', unit: '', of: ({ deliveries }) => deliveries },
  { label: 'lost', unit: '', of: ({ lost }) => lost },
  { label: 'told twice', unit: '', of: ({ doubled }) => doubled },
  { label: 'gaps that were asked for', unit: '', of: ({ gaps }) => gaps },
  { label: 'message latency, p50', unit: 'ms', of: ({ p50 }) => p50 },
  { label: 'message latency, p95', unit: 'ms', of: ({ p95 }) => p95 },
  { label: 'message latency, p99', unit: 'ms', of: ({ p99 }) => p99 },
  { label: `${FIRST}, p50`, unit: 'ms', of: ({ waking }) => waking.p50 },
  { label: `${FIRST}, p99`, unit: 'ms', of: ({ waking }) => waking.p99 },
  { label: `${LATER}, p50`, unit: 'ms', of: ({ awake }) => measured(awake.p50) },
  { label: `${LATER}, p99`, unit: 'ms', of: ({ awake }) => measured(awake.p99) },
  { label: 'memory of one that talks', unit: 'MB', of: ({ memory }) => memory },
  { label: 'processor time, talking', unit: 'ms', of: ({ processor }) => processor },
  {
    label: 'processor time of a message',
    unit: 'ms',
    of: ({ processor, acknowledged }) => (processor === undefined ? undefined : processor / acknowledged),
  },
]

/** A figure of nothing is no figure. */
function measured(figure: number): number | undefined {
  return Number.isNaN(figure) ? undefined : figure
}

/** The table that the terminal shows. */
export function renderLoad({ date, machine, busy, options, result }: LoadReport): string {
  const rows = [
    ...rowsOf('idle sockets', CONNECTED, result.idle),
    ...rowsOf(options.kind ?? '', CONNECTED, result.clients),
    ...rowsOf(options.kind ?? '', TALK, result.talk),
    ...Object.entries(result.errors).map(([what, count]) => ['error', what, String(count), '']),
  ]
  return [
    `${machine}\n${busyNote(busy)}\n${date}; ${described(options)}`,
    renderTable(['of', 'figure', 'measured', 'unit'], rows),
  ].join('\n\n')
}

/** Whether everybody was connected, messages were sent, and each came once to everybody. */
export function wentWell({ idle, clients, talk }: LoadResult): boolean {
  const isConnected = (idle?.failed ?? 0) === 0 && (clients?.failed ?? 0) === 0
  return (
    isConnected && (talk === undefined || (talk.acknowledged > 0 && talk.lost === 0 && talk.doubled === 0))
  )
}

function described({ kind, clients, groups, rate, seconds, idle, connectRate }: CommandOptions): string {
  const talking = `${clients} clients of ${kind} in groups of ${groups}, ${rate} messages/s for ${seconds} s`
  const sockets = `${idle} idle sockets`
  const parts = [...(kind === undefined ? [] : [talking]), ...(idle === 0 ? [] : [sockets])]
  return `${parts.join(', ')}; ${connectRate} connect a second`
}

function rowsOf<Of>(of: string, figures: readonly Figure<Of>[], measured: Of | undefined): string[][] {
  if (measured === undefined) return []
  return figures.flatMap(({ label, unit, of: measure }) => {
    const value = measure(measured)
    if (value === undefined || Number.isNaN(value)) return []
    return [[of, label, unit === '' ? String(value) : formatNumber(value), unit]]
  })
}
