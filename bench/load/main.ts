/** `npm run load`: many clients of one kind connect to a homeserver on this machine and talk in groups. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stopAll, stopOnSignals } from '../child.ts'
import { HttpClient } from '../http.ts'
import { startProduct } from '../product.ts'
import { describeMachine, measureBusy } from '../report.ts'
import type { Server } from '../target.ts'
import { type CommandOptions, readLoadOptions, USAGE } from './options.ts'
import { type LoadReport, renderLoad, wentWell } from './report.ts'
import { runLoad } from './run.ts'

const REST_MS = 10_000

/** Runs the load; the exit code tells whether every message came once to everybody. */
async function main(): Promise<number> {
  const options = readLoadOptions(process.argv.slice(2))
  if (options === undefined) {
    console.log(USAGE)
    return 0
  }
  stopOnSignals()
  const report = await measure(options)
  const table = renderLoad(report)
  console.log(`\n${table}\n`)
  const file = join(options.out, `load-${options.kind ?? 'idle'}.json`)
  await mkdir(options.out, { recursive: true })
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`)
  console.log(`Written to ${file}`)
  return wentWell(report.result) ? 0 : 1
}

async function measure(options: CommandOptions): Promise<LoadReport> {
  const busy = await measureBusy()
  const server = await serverOf(options)
  const http = new HttpClient(server.url)
  try {
    const result = await runLoad({ server, http, options, restMs: REST_MS, say: console.log })
    const date = new Date().toISOString().slice(0, 10)
    return { date, machine: describeMachine(), busy, options, result }
  } finally {
    http.close()
    await server.stop()
  }
}

/** A server that somebody else started is theirs to end, and to measure. */
async function serverOf({ url }: CommandOptions): Promise<Server> {
  return url === undefined ? startProduct() : { url, pids: [], stop: async () => undefined }
}

process.exitCode = await main().catch(async (error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  await stopAll()
  return 2
})
