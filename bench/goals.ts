/** What the bench must show, as data: a figure, and what it is held against. */

import { FIGURES, type FigureId, figureOf } from './figures.ts'
import { summarise } from './measure.ts'
import type { Run, RunName, Runs } from './target.ts'

/** The figure must be at least, or at most, `times` another figure `plus` a constant. */
export interface Goal {
  text: string
  figure: FigureId
  compare: 'at least' | 'at most'
  bound: { run: RunName; figure: FigureId; times?: number; plus?: number } | { value: number }
}

export interface Verdict {
  goal: Goal
  value: number
  bound: number
  reached: boolean
}

/** What published figures of another server held in an earlier run on a like machine: not measured here. */
const TUWUNEL_REFERENCE: Partial<Record<FigureId, number>> = {
  'send.one': 840,
  'send.eight': 1_110,
  'send.eight.live': 910,
  'send.p50': 1.05,
  'delivery.p50': 3.5,
  'create.p50': 3.1,
  'join.p50': 1.4,
  'sync.one.p50': 0.6,
}

export const tuwunelReference: Run = {
  title: 'Tuwunel 1.4.6 (earlier run, like machine)',
  sizes: { members: 0, awake: 0, events: 0, rooms: 0 },
  figures: Object.fromEntries(
    Object.entries(TUWUNEL_REFERENCE).map(([figure, value]) => [figure, summarise([value])]),
  ),
  failures: [],
}

/** Rows in which Synapse does the same work at the same size. */
const TEN_TIMES_SYNAPSE: readonly FigureId[] = [
  'send.one',
  'send.eight',
  'send.one.live',
  'send.eight.live',
  'send.p50',
  'delivery.p50',
  'sync.one.p50',
  'sync.initial.p50',
  'create.p50',
  'join.p50',
  'login.p50',
]

/** The large one of a pair, the small one, and how much more it may cost. */
const FLAT: readonly [FigureId, FigureId, string][] = [
  ['members.big.send', 'members.small.send', 'send flat from 2 members to 10,000, 10 of them awake'],
  ['members.big.send', 'members.some.send', 'send flat in the number of members, 10 awake'],
  [
    'members.big.delivery',
    'members.small.delivery',
    'delivery flat from 2 members to 10,000, 10 of them awake',
  ],
  ['members.big.delivery', 'members.some.delivery', 'delivery flat in the number of members, 10 awake'],
  ['history.big.send', 'history.small.send', 'send flat in the length of the history'],
  ['history.big.messages', 'history.small.messages', '/messages flat in the length of the history'],
  ['history.big.initial', 'history.small.initial', 'initial sync flat in the length of the history'],
  ['rooms.big.idle', 'rooms.small.idle', 'idle sync flat in the number of rooms'],
  ['rooms.big.one', 'rooms.small.one', 'sync of 1 changed room flat in the number of rooms'],
  ['rooms.big.return', 'rooms.small.return', 'return to 20 changed rooms flat in the number of rooms'],
]
const FLAT_RATIO = 1.5

export const GOALS: readonly Goal[] = [
  ...(['send.one', 'send.eight'] as const).map(
    (figure): Goal => ({
      text: 'half of the ceiling',
      figure,
      compare: 'at least',
      bound: { run: 'ceiling', figure, times: 0.5 },
    }),
  ),
  {
    text: 'delivery at most 1.5 ms after the send',
    figure: 'delivery.p50',
    compare: 'at most',
    bound: { run: 'selvedge', figure: 'delivery.send', plus: 1.5 },
  },
  {
    text: 'all who are awake within 300 ms',
    figure: 'awake.all',
    compare: 'at most',
    bound: { value: 300 },
  },
  { text: 'memory an awake user', figure: 'awake.memory', compare: 'at most', bound: { value: 0.6 } },
  { text: 'memory at rest', figure: 'memory.rest', compare: 'at most', bound: { value: 400 } },
  ...FLAT.map(
    ([figure, small, text]): Goal => ({
      text,
      figure,
      compare: 'at most',
      bound: { run: 'selvedge', figure: small, times: FLAT_RATIO },
    }),
  ),
  ...figureIds(TUWUNEL_REFERENCE).map((figure) => ahead('ahead of Tuwunel', figure, 'tuwunel', 1)),
  ...TEN_TIMES_SYNAPSE.map((figure) => ahead('ten times Synapse', figure, 'synapse', 10)),
]

/** The verdicts on all goals whose two sides were measured. */
export function judge(runs: Runs): Verdict[] {
  return GOALS.flatMap((goal) => {
    const value = runs.selvedge?.figures[goal.figure]?.median
    const bound = boundOf(goal, runs)
    if (value === undefined || bound === undefined) return []
    const reached = goal.compare === 'at least' ? value >= bound : value <= bound
    return [{ goal, value, bound, reached }]
  })
}

function boundOf({ bound }: Goal, runs: Runs): number | undefined {
  if ('value' in bound) return bound.value
  const base = runs[bound.run]?.figures[bound.figure]?.median
  return base === undefined ? undefined : base * (bound.times ?? 1) + (bound.plus ?? 0)
}

function ahead(text: string, figure: FigureId, run: RunName, times: number): Goal {
  const more = figureOf(figure).better === 'more'
  return {
    text,
    figure,
    compare: more ? 'at least' : 'at most',
    bound: { run, figure, times: more ? times : 1 / times },
  }
}

function figureIds(figures: Partial<Record<FigureId, number>>): FigureId[] {
  return (Object.keys(FIGURES) as FigureId[]).filter((id) => figures[id] !== undefined)
}
