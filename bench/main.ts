/** `npm run bench`: measures Selvedge, the ceiling beneath it and, if asked, Synapse, in one run. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CEILING_ROWS, ceiling } from './ceiling/index.ts'
import { stopAll, stopOnSignals } from './child.ts'
import { judge } from './goals.ts'
import { type Options, readOptions, USAGE } from './options.ts'
import { plot } from './plot.ts'
import { product, runningServer } from './product.ts'
import { describeMachine, measureBusy, type Results, renderResults } from './report.ts'
import { ROWS } from './rows/index.ts'
import { runTarget } from './run.ts'
import { synapse } from './synapse.ts'
import type { Runs } from './target.ts'

/** Runs what the options ask for; the exit code tells whether every row could be measured. */
async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2))
  if (options === undefined) {
    console.log(USAGE)
    return 0
  }
  stopOnSignals()
  const busy = await measureBusy()
  const runs = await measureAll(options)
  const results: Results = {
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    busy,
    timing: options.timing,
    runs,
    verdicts: judge(runs),
  }
  const table = renderResults(results)
  console.log(`\n${table}\n`)
  await mkdir(options.out, { recursive: true })
  await writeFile(join(options.out, 'results.md'), `${table}\n`)
  await writeFile(join(options.out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`)
  await writeFile(join(options.out, 'results.svg'), plot(results))
  console.log(`Written to ${options.out}: results.md, results.json, results.svg`)
  return Object.values(runs).every((run) => run.failures.length === 0) ? 0 : 1
}

async function measureAll(options: Options): Promise<Runs> {
  const rows = ROWS.filter((row) => options.rows.includes(row.name))
  const runs: Runs = {}
  if (options.ceiling) runs.ceiling = await runTarget(ceiling, CEILING_ROWS, options.timing)
  if (options.product) {
    const { url, sizes } = options
    const target = url === undefined ? product(sizes) : runningServer(url, sizes)
    runs.selvedge = await runTarget(target, rows, options.timing)
  }
  if (options.withSynapse) {
    const target = await synapse(options.synapseDirectory, options.synapseSizes)
    runs.synapse = await runTarget(target, rows, options.timing)
  }
  return runs
}

process.exitCode = await main().catch(async (error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  await stopAll()
  return 2
})
