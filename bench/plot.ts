/** The results as one picture: sends a second, latencies, and how the goals stand. */

import { type FigureId, figureOf, labelOf } from './figures.ts'
import type { Verdict } from './goals.ts'
import type { Summary } from './measure.ts'
import { formatNumber, type Results, sizesOf } from './report.ts'
import { circle, documentOf, line, rect, text } from './svg.ts'
import type { RunName, Runs } from './target.ts'

const WIDTH = 1000
const LEFT = 350
const RIGHT = WIDTH - 90
const PLOT_WIDTH = RIGHT - LEFT
const MARGIN = 32
/** Leaves a column for the values, clear of the limit's line. */
const GOALS_WIDTH = PLOT_WIDTH - 50
const MUTED = '#6b7280'
const GRID = '#e5e7eb'
const GOAL = '#b91c1c'
const REACHED = '#0f766e'

interface Series {
  run: RunName
  colour: string
}

/** Top to bottom in a group; the product stands out. */
const SERIES: readonly Series[] = [
  { run: 'ceiling', colour: '#cbd5e1' },
  { run: 'selvedge', colour: REACHED },
  { run: 'synapse', colour: '#818cf8' },
]

const SENDS: readonly FigureId[] = ['send.one', 'send.eight', 'send.one.live', 'send.eight.live']
const LATENCIES: readonly FigureId[] = [
  'send.p50',
  'delivery.p50',
  'sync.one.p50',
  'sync.initial.p50',
  'create.p50',
  'join.p50',
  'login.p50',
]

/** A drawn part and how much room it took. */
interface Panel {
  height: number
  parts: string[]
}

export function plot({ runs, verdicts, machine, date }: Results): string {
  const panels = [
    header(machine, date, runs),
    sendsPanel(runs),
    latencyPanel(runs),
    goalsPanel(verdicts, runs),
  ]
  let top = MARGIN
  const parts: string[] = []
  for (const draw of panels) {
    const panel = draw(top)
    parts.push(...panel.parts)
    top += panel.height
  }
  return documentOf(WIDTH, top + MARGIN / 2, 'Selvedge measured', parts)
}

type Draw = (top: number) => Panel

function header(machine: string, date: string, runs: Runs): Draw {
  return (top) => {
    const present = SERIES.filter(({ run }) => runs[run] !== undefined)
    const parts = [
      text(MARGIN, top + 14, 'Selvedge, measured', { 'font-size': 22, 'font-weight': 600 }),
      text(MARGIN, top + 36, `${machine}, ${date}`, { fill: MUTED }),
    ]
    let x = MARGIN
    for (const { run, colour } of present) {
      const { title } = runs[run]!
      parts.push(rect(x, top + 52, 12, 12, { fill: colour, rx: 2 }), text(x + 18, top + 62, title))
      x += 18 + title.length * 6.6 + 28
    }
    return { height: 92, parts }
  }
}

function sendsPanel(runs: Runs): Draw {
  return (top) => {
    const figures = SENDS.filter((id) => isMeasured(id, runs))
    const largest = Math.max(
      0,
      ...figures.flatMap((id) => valuesOf(id, runs).map(({ summary }) => summary.max)),
    )
    if (largest === 0) return { height: 0, parts: [] }
    const step = niceStep(largest / 5)
    const scale = (value: number) => LEFT + (value / (Math.ceil(largest / step) * step)) * PLOT_WIDTH
    const body = figures.map((id) => (y: number) => barGroup(id, runs, y, scale))
    const ticks = Array.from({ length: Math.ceil(largest / step) + 1 }, (_, index) => index * step)
    return panel(top, 'Sends a second (median, whiskers: slowest and fastest round)', body, ticks, scale)
  }
}

function barGroup(id: FigureId, runs: Runs, top: number, scale: (value: number) => number): Panel {
  const values = valuesOf(id, runs)
  const parts = [labelText(labelOf(id, sizesOf(runs)), top + values.length * 8 + 4)]
  values.forEach(({ series, summary }, index) => {
    const y = top + index * 16
    parts.push(
      rect(LEFT, y, scale(summary.median) - LEFT, 12, { fill: series.colour, rx: 1.5 }),
      line(scale(summary.min), y + 6, scale(summary.max), y + 6, {
        stroke: '#111827',
        'stroke-opacity': 0.55,
      }),
      text(scale(summary.max) + 6, y + 10, formatNumber(summary.median), { 'font-size': 11 }),
    )
  })
  return { height: values.length * 16 + 14, parts }
}

function latencyPanel(runs: Runs): Draw {
  return (top) => {
    const figures = LATENCIES.filter((id) => isMeasured(id, runs))
    const all = figures.flatMap((id) =>
      valuesOf(id, runs).flatMap(({ summary }) => [summary.min, summary.max]),
    )
    if (all.length === 0) return { height: 0, parts: [] }
    const low = Math.floor(Math.log10(Math.min(...all)))
    const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...all))))
    const scale = (value: number) => LEFT + ((Math.log10(value) - low) / (high - low)) * PLOT_WIDTH
    const body = figures.map((id) => (y: number) => dotGroup(id, runs, y, scale))
    const ticks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index))
    return panel(
      top,
      'Latency, ms, logarithmic: further left is better (p50, bars: range of the rounds)',
      body,
      ticks,
      scale,
    )
  }
}

/** Dots, not bars: a bar's length means nothing on a logarithmic scale. */
function dotGroup(id: FigureId, runs: Runs, top: number, scale: (value: number) => number): Panel {
  const values = valuesOf(id, runs)
  const parts = [labelText(labelOf(id, sizesOf(runs)), top + values.length * 7 + 4)]
  values.forEach(({ series, summary }, index) => {
    const y = top + 7 + index * 14
    parts.push(
      line(scale(summary.min), y, scale(summary.max), y, {
        stroke: series.colour,
        'stroke-width': 4,
        'stroke-linecap': 'round',
        'stroke-opacity': 0.5,
      }),
      circle(scale(summary.median), y, 5, { fill: series.colour }),
      text(scale(summary.max) + 10, y + 4, formatNumber(summary.median), { 'font-size': 11 }),
    )
  })
  return { height: values.length * 14 + 12, parts }
}

/** Goals that are an upper limit by themselves, each as a share of its limit. */
function goalsPanel(verdicts: readonly Verdict[], runs: Runs): Draw {
  return (top) => {
    const limits = verdicts.filter(({ goal }) => 'value' in goal.bound || goal.bound.run === 'selvedge')
    if (limits.length === 0) return { height: 0, parts: [] }
    const largest = Math.min(3, Math.max(1.25, ...limits.map(({ value, bound }) => value / bound)))
    const scale = (share: number) => LEFT + (Math.min(share, largest) / largest) * GOALS_WIDTH
    const body = limits.map((verdict) => (y: number) => goalBar(verdict, runs, y, scale))
    const ticks = [0, 0.5, 1, 1.5, 2, 2.5, 3].filter((tick) => tick <= largest)
    const drawn = panel(top, 'Limits: the line is the limit, further left is better', body, ticks, scale)
    const goalX = scale(1)
    drawn.parts.push(
      line(goalX, top + 30, goalX, top + drawn.height - 44, { stroke: GOAL, 'stroke-width': 1.5 }),
    )
    return drawn
  }
}

function goalBar(verdict: Verdict, runs: Runs, top: number, scale: (share: number) => number): Panel {
  const { goal, value, bound, reached } = verdict
  const colour = reached ? REACHED : GOAL
  const words = `${formatNumber(value)} of ${formatNumber(bound)} ${figureOf(goal.figure).unit}`
  return {
    height: 24,
    parts: [
      labelText(labelOf(goal.figure, sizesOf(runs)), top + 11),
      rect(LEFT, top, scale(value / bound) - LEFT, 14, { fill: colour, 'fill-opacity': 0.85, rx: 1.5 }),
      text(WIDTH - MARGIN, top + 11, words, { 'text-anchor': 'end', 'font-size': 11, fill: colour }),
    ],
  }
}

/** A title, a grid with its numbers below, and the groups above it. */
function panel(
  top: number,
  title: string,
  groups: readonly Draw[],
  ticks: readonly number[],
  scale: (value: number) => number,
): Panel {
  let y = top + 34
  const body: string[] = []
  for (const group of groups) {
    const drawn = group(y)
    body.push(...drawn.parts)
    y += drawn.height
  }
  const grid = ticks.flatMap((tick) => [
    line(scale(tick), top + 28, scale(tick), y, { stroke: GRID }),
    text(scale(tick), y + 16, formatTick(tick), { 'text-anchor': 'middle', 'font-size': 11, fill: MUTED }),
  ])
  const heading = text(MARGIN, top + 14, title, { 'font-size': 15, 'font-weight': 600 })
  return { height: y - top + 46, parts: [heading, ...grid, ...body] }
}

function labelText(label: string, y: number): string {
  return text(LEFT - 12, y, label, { 'text-anchor': 'end' })
}

function valuesOf(id: FigureId, runs: Runs): { series: Series; summary: Summary }[] {
  return SERIES.flatMap((series) => {
    const summary = runs[series.run]?.figures[id]
    return summary === undefined ? [] : [{ series, summary }]
  })
}

function isMeasured(id: FigureId, runs: Runs): boolean {
  return valuesOf(id, runs).length > 0
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough))
  return ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power
}

function formatTick(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 3 })
}
