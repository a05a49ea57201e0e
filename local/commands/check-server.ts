/** `npm run check:production|check:local`: looks at a deployment from outside, as a user and as an operator would. */
import { writeFileSync } from 'node:fs'
import type { Result, Visit } from '../checks/check.ts'
import { runChecks } from '../checks/engine.ts'
import { addressFlag, entryFlags, everySecond, helpOf, readFlags, reportFlags } from '../checks/flags.ts'
import { watch } from '../checks/monitor.ts'
import { openVisit } from '../checks/open-visit.ts'
import { monitored, PLANS, type PlanName } from '../checks/plans.ts'
import { htmlOf } from '../checks/report/html.ts'
import { type Report, reportOf } from '../checks/report/json.ts'
import { hasFailed, lineOf, sumOf } from '../checks/report/terminal.ts'
import { StartError } from '../start-error.ts'
import { runCommand } from './command.ts'

const names = Object.keys(PLANS) as PlanName[]
const plans = Object.fromEntries(names.map((name) => [name, { help: PLANS[name].help }])) as Record<
  PlanName,
  { help: string }
>

const flags = {
  ...addressFlag,
  ...plans,
  monitor: { help: 'Repeats what needs no user, and shows how the times go.' },
  every: { ...everySecond, help: 'How often, seconds. [30]' },
  for: { ...everySecond, value: 's', help: 'For how long, seconds; an hour at most. [600]' },
  ...entryFlags,
  ...reportFlags,
  html: { value: 'file', help: 'Writes the report as one page, with plots.' },
} as const

await runCommand(async () => {
  const [where, ...args] = process.argv.slice(2)
  const isHere = where === 'local'
  const command = isHere ? 'npm run check:local' : 'npm run check:production'
  const read = readFlags(args, flags)
  if (read === 'help') {
    process.stdout.write(helpOf(command, flags))
    return
  }
  const { given, options } = read
  const chosen = [...names, 'monitor' as const].filter((name) => given[name] !== undefined)
  if (chosen.length > 1)
    throw new StartError(`--${chosen[0]} and --${chosen[1]} are both given: choose one (see --help)`, 2)
  const plan = chosen[0] ?? 'quick'
  const visit = openVisit(given, options, isHere)
  const started = Date.now()
  const isSilent = given.json === '-'
  const results = await look(plan, visit, given, isSilent ? () => {} : (line) => console.log(line))
  write(reportOf(visit.url, plan, started, results), given)
  if (!isSilent) console.log(sumOf(results))
  if (hasFailed(results)) process.exitCode = 1
})

async function look(
  plan: PlanName | 'monitor',
  visit: Visit,
  { every = '30', for: length = '600' }: { every?: string; for?: string },
  say: (line: string) => void,
): Promise<Result[]> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort())
  const tell = (result: Result) => say(lineOf(result))
  if (plan !== 'monitor') return runChecks(PLANS[plan].checks(), visit, { tell, signal: stop.signal })
  const results = await watch(monitored(), visit, {
    everyMs: Number(every) * 1000,
    forMs: Number(length) * 1000,
    signal: stop.signal,
    tell(round, found) {
      say(`round ${round}: ${sumOf(found)}`)
      for (const result of found.filter(({ state }) => state === 'failed')) tell(result)
    },
  })
  for (const result of results) tell(result)
  return results
}

function write(report: Report, { json, html }: { json?: string; html?: string }): void {
  const text = `${JSON.stringify(report, null, 2)}\n`
  if (json === '-') process.stdout.write(text)
  else if (json !== undefined) writeFileSync(json, text)
  if (html !== undefined) writeFileSync(html, htmlOf(report))
}
