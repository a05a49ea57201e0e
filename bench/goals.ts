/** What the bench must show, as data: a figure, and what it is held against. */

import { type FigureId, figureOf } from './figures.ts'
import type { RunName, Runs } from './target.ts'

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

/** The share of the ceiling that a figure must reach in the same run. */
const SHARES: readonly [FigureId, FigureId, number][] = [
  ['send.one', 'send.one', 0.92],
  ['send.eight', 'send.eight', 0.85],
  ['send.one.live', 'send.one', 0.6],
]

/** The most that a crowd may wait or take, at the size of a full run. */
const CROWD: readonly [FigureId, number, string][] = [
  ['crowd.start', 4_000, 'a crowd has settled after its start'],
  ['crowd.restart', 4_000, 'a crowd has settled after a restart'],
  ['crowd.delivery.p50', 300, 'delivery in a crowd, p50'],
  ['crowd.delivery.p99', 1_500, 'delivery in a crowd, p99'],
  ['crowd.rest', 5_000, 'a crowd is back at rest'],
  ['crowd.memory', 700, 'memory with a crowd'],
  ['crowd.resets', 0, 'no request of a crowd breaks'],
]

export const GOALS: readonly Goal[] = [
  ...SHARES.map(
    ([figure, ceiling, share]): Goal => ({
      text: `${share * 100} % of the ceiling`,
      figure,
      compare: 'at least',
      bound: { run: 'ceiling', figure: ceiling, times: share },
    }),
  ),
  {
    text: 'p99 at most five times p50',
    figure: 'send.p99',
    compare: 'at most',
    bound: { run: 'selvedge', figure: 'send.p50', times: 5 },
  },
  { text: 'join', figure: 'join.p50', compare: 'at most', bound: { value: 1.3 } },
  { text: 'an upload of 10 MB', figure: 'media.upload.p50', compare: 'at most', bound: { value: 60 } },
  { text: 'a fork is resolved', figure: 'resolution.fork', compare: 'at most', bound: { value: 100 } },
  ...CROWD.map(([figure, value, text]): Goal => ({ text, figure, compare: 'at most', bound: { value } })),
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
