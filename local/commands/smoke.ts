/** `npm run smoke`: uses a deployment once as a user does, from the registration to the logout, and cleans up. */
import { writeFileSync } from 'node:fs'
import { runChecks } from '../checks/engine.ts'
import { addressFlag, entryFlags, helpOf, readFlags, reportFlags } from '../checks/flags.ts'
import { openVisit } from '../checks/open-visit.ts'
import { hasFailed, lineOf, sumOf } from '../checks/report/terminal.ts'
import { smokeChecks } from '../checks/smoke.ts'
import { runCommand } from './command.ts'

const flags = { ...addressFlag, ...entryFlags, ...reportFlags }

await runCommand(async () => {
  const read = readFlags(process.argv.slice(2), flags)
  if (read === 'help') {
    process.stdout.write(helpOf('npm run smoke', flags))
    return
  }
  const visit = openVisit(read.given, read.options, false)
  const { json } = read.given
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort())
  const tell =
    json === '-' ? undefined : (result: Parameters<typeof lineOf>[0]) => console.log(lineOf(result))
  const started = Date.now()
  const results = await runChecks(smokeChecks, visit, { tell, signal: stop.signal })
  const report = `${JSON.stringify({ url: visit.url, started_ts: started, checks: results }, null, 2)}\n`
  if (json === '-') process.stdout.write(report)
  else {
    if (json !== undefined) writeFileSync(json, report)
    console.log(sumOf(results))
  }
  if (hasFailed(results) || stop.signal.aborted) process.exitCode = 1
})
