/** The results in words: a table of figures, the goals, what failed, and the JSON file. */

import { cpus, release, totalmem } from 'node:os'
import type { Sizes } from './figures.ts'
import { FIGURES, type FigureId, figureOf, labelOf } from './figures.ts'
import type { Verdict } from './goals.ts'
import { pause, type Summary, type Timing } from './measure.ts'
import type { Run, RunName, Runs } from './target.ts'

export interface Results {
  date: string
  machine: string
  /** The share of the processors that others used before the bench began. */
  busy: number
  timing: Timing
  runs: Runs
  verdicts: Verdict[]
}

const BUSY_SAMPLE_MS = 2_000
const BUSY_LIMIT = 0.15
const ORDER: readonly RunName[] = ['selvedge', 'synapse', 'ceiling']
const NO_SIZES: Sizes = { members: 0, awake: 0, events: 0, rooms: 0, crowd: 0, forked: 0 }

export function describeMachine(): string {
  const [cpu] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${cpus().length} × ${cpu?.model.trim()}, ${memory} GiB, Linux ${release()}, Node ${process.version}`
}

/** Processor time that was not idle, as a share, over a moment in which the bench does nothing. */
export async function measureBusy(): Promise<number> {
  const before = processorTimes()
  await pause(BUSY_SAMPLE_MS)
  const after = processorTimes()
  return 1 - (after.idle - before.idle) / Math.max(1, after.total - before.total)
}

function processorTimes(): { idle: number; total: number } {
  const times = cpus().map((cpu) => cpu.times)
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return {
    idle: sum(times.map((time) => time.idle)),
    total: sum(times.flatMap((time) => Object.values(time))),
  }
}

/** Says when the machine was not quiet. */
export function busyNote(busy: number): string {
  const share = `${Math.round(busy * 100)} % of the processors was in use before the start`
  return busy > BUSY_LIMIT ? `${share}: NOT A QUIET MACHINE, the figures are too low to quote` : share
}

/** Every figure that was measured, in the catalogue's order. */
export function measuredFigures(runs: Runs): FigureId[] {
  const measured = Object.values(runs)
  return (Object.keys(FIGURES) as FigureId[]).filter((id) =>
    measured.some((run) => run.figures[id] !== undefined),
  )
}

export function renderResults(results: Results): string {
  const { runs, verdicts } = results
  const names = ORDER.filter((name) => runs[name] !== undefined)
  const sections = [
    `${results.machine}\n${busyNote(results.busy)}\n${results.date}; min / median / max of ${results.timing.rounds} rounds`,
    renderTable(
      [
        'figure',
        'unit',
        ...names.map((name) => runs[name]!.title),
        ...(runs.ceiling ? ['of the ceiling'] : []),
      ],
      measuredFigures(runs).map((id) => figureRow(id, runs, names)),
    ),
    names
      .flatMap((name) => runs[name]!.failures.map(({ row, error }) => `FAILED ${name} ${row}: ${error}`))
      .join('\n'),
    verdicts.length === 0 ? '' : renderGoals(verdicts, runs.selvedge?.sizes ?? NO_SIZES),
  ]
  return sections.filter((section) => section !== '').join('\n\n')
}

export function formatNumber(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** What share of the ceiling the product reaches, of the speed for times too. */
export function shareOfCeiling(id: FigureId, runs: Runs): number | undefined {
  const { ceiling, better } = figureOf(id)
  const own = runs.selvedge?.figures[id]?.median
  const top = ceiling && runs.ceiling?.figures[ceiling]?.median
  if (own === undefined || top === undefined) return undefined
  return better === 'more' ? own / top : top / own
}

function figureRow(id: FigureId, runs: Runs, names: readonly RunName[]): string[] {
  const { unit } = figureOf(id)
  const sizes = sizesOf(runs)
  const cells = names.map((name) => {
    const run = runs[name]!
    const summary = run.figures[id]
    return summary === undefined ? '' : formatSummary(summary) + sizeNote(id, run, sizes)
  })
  const share = shareOfCeiling(id, runs)
  return [labelOf(id, sizes), unit, ...cells, share === undefined ? '' : `${Math.round(share * 100)} %`]
}

/** The sizes the labels speak of: the product's, or those of whatever else was measured. */
export function sizesOf(runs: Runs): Sizes {
  return runs.selvedge?.sizes ?? runs.synapse?.sizes ?? NO_SIZES
}

/** Says when a run did the row at another size than the label does. */
export function sizeNote(id: FigureId, run: Run, sizes: Sizes): string {
  const { size } = figureOf(id)
  if (size === undefined || run.sizes[size] === sizes[size]) return ''
  return ` (at ${run.sizes[size].toLocaleString('en')})`
}

function formatSummary({ rounds, min, median, max }: Summary): string {
  if (rounds.length === 1) return formatNumber(median)
  return `${formatNumber(min)} / ${formatNumber(median)} / ${formatNumber(max)}`
}

function renderGoals(verdicts: readonly Verdict[], sizes: Sizes): string {
  const rows = verdicts.map(({ goal, value, bound, reached }) => [
    reached ? 'reached' : 'MISSED',
    goal.text,
    labelOf(goal.figure, sizes),
    `${formatNumber(value)} ${figureOf(goal.figure).unit}`,
    `${goal.compare} ${formatNumber(bound)}`,
  ])
  const reached = verdicts.filter((verdict) => verdict.reached).length
  return `${renderTable(['', 'goal', 'figure', 'measured', 'wanted'], rows)}\n\n${reached} of ${verdicts.length} goals reached`
}

export function renderTable(head: readonly string[], rows: readonly string[][]): string {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [line(head), rule, ...rows.map(line)].join('\n')
}
