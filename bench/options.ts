/** The bench's options and what they mean for sizes and times. */

import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Sizes } from './figures.ts'
import type { Timing } from './measure.ts'
import { ROWS } from './rows/index.ts'

export const USAGE = `npm run bench -- [options]

  --url URL          measure the homeserver that runs there (open registration, no rate limits)
  --with-synapse     measure Synapse with Postgres beside it; installs it with pip the first time
  --synapse-dir DIR  where Synapse is installed (default: ~/.cache/selvedge-bench/synapse)
  --no-product       leave Selvedge itself out
  --no-ceiling       leave the ceiling out
  --only ROW[,ROW]   only these rows: ${ROWS.map((row) => row.name).join(', ')}
  --quick            small sizes and short rounds: to see that it works, not to quote
  --out DIR          where results.json, results.svg and results.md go (default: bench/results)
  --help             this text`

export interface Options {
  url?: string
  withSynapse: boolean
  synapseDirectory: string
  product: boolean
  ceiling: boolean
  rows: readonly string[]
  out: string
  timing: Timing
  sizes: Sizes
  synapseSizes: Sizes
}

const FULL = {
  timing: { rounds: 5, roundMs: 3_000, warmUpMs: 2_000, maxSamples: 1_000 },
  sizes: { members: 10_000, awake: 1_000, events: 100_000, rooms: 1_000, crowd: 400, forked: 50_000 },
  // Synapse does some fifty sends and a few dozen joins a second: the full sizes would take hours.
  synapseSizes: { members: 300, awake: 100, events: 2_000, rooms: 100, crowd: 60, forked: 5_000 },
}

const QUICK = {
  timing: { rounds: 3, roundMs: 700, warmUpMs: 400, maxSamples: 200 },
  sizes: { members: 200, awake: 100, events: 1_000, rooms: 50, crowd: 60, forked: 5_000 },
  synapseSizes: { members: 30, awake: 20, events: 100, rooms: 25, crowd: 20, forked: 5_000 },
}

/** Reads the command line; undefined means that only the usage was asked for. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      url: { type: 'string' },
      'with-synapse': { type: 'boolean', default: false },
      'synapse-dir': { type: 'string', default: join(homedir(), '.cache/selvedge-bench/synapse') },
      product: { type: 'boolean', default: true },
      ceiling: { type: 'boolean', default: true },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      out: { type: 'string', default: join(import.meta.dirname, 'results') },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  return {
    url: values.url,
    withSynapse: values['with-synapse'],
    synapseDirectory: values['synapse-dir'],
    product: values.product,
    ceiling: values.ceiling,
    rows: rowNames(values.only),
    out: values.out,
    ...(values.quick ? QUICK : FULL),
  }
}

function rowNames(only: string | undefined): string[] {
  const known = ROWS.map((row) => row.name)
  if (only === undefined) return known
  const wanted = only.split(',').filter((name) => name !== '')
  const unknown = wanted.filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new Error(`--only: no such row: ${unknown.join(', ')} (there are ${known.join(', ')})`)
  return wanted
}
