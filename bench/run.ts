/** Runs the rows against one target, on as few servers as the rows allow. */

import { labelOf } from './figures.ts'
import { HttpClient } from './http.ts'
import { summarise, type Timing } from './measure.ts'
import { formatNumber } from './report.ts'
import type { Row, Run, Server, Target } from './target.ts'

export async function runTarget(target: Target, rows: readonly Row[], timing: Timing): Promise<Run> {
  const run: Run = { title: target.title, sizes: target.sizes, figures: {}, failures: [] }
  const ofTarget = rows.filter(({ only }) => only === undefined || only === target.name)
  const shared = ofTarget.filter((row) => row.ownServer !== true)
  const alone = ofTarget.filter((row) => row.ownServer === true)
  for (const group of [shared, ...alone.map((row) => [row])]) {
    if (group.length > 0) await runGroup(target, group, timing, run)
  }
  return run
}

async function runGroup(target: Target, rows: readonly Row[], timing: Timing, run: Run): Promise<void> {
  let server: Server
  try {
    server = await target.start()
  } catch (error) {
    for (const row of rows) fail(run, row, error)
    return
  }
  try {
    for (const row of rows) await runRow({ target, row, server, timing, run })
  } finally {
    await server.stop()
  }
}

interface RowRun {
  target: Target
  row: Row
  server: Server
  timing: Timing
  run: Run
}

async function runRow({ target, row, server, timing, run }: RowRun): Promise<void> {
  const http = new HttpClient(server.url)
  const start = performance.now()
  console.log(`${target.name}: ${row.name} (${row.description})`)
  try {
    await row.run({
      server,
      http,
      sizes: target.sizes,
      timing,
      record(figure, rounds) {
        const summary = summarise(rounds)
        run.figures[figure] = summary
        console.log(`  ${labelOf(figure, target.sizes)}: ${formatNumber(summary.median)}`)
      },
    })
  } catch (error) {
    fail(run, row, error)
  } finally {
    http.close()
    console.log(`  took ${formatNumber((performance.now() - start) / 1000)} s`)
  }
}

/** One row's failure is a result like any other: the rest still runs. */
function fail(run: Run, row: Row, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  run.failures.push({ row: row.name, error: message })
  console.error(`  FAILED ${row.name}: ${message}`)
}
