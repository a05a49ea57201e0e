/** `npm run reports`: what users have reported, newest first, a page at a time. */

import { helpText, readOptions } from '../options/options.ts'
import { StartError } from '../start-error.ts'
import { runCommand } from './command.ts'
import { findServer, type JsonAnswer, serverOptions } from './running-server.ts'
import { splitFlags } from './words.ts'

const ROOT = '/_selvedge/admin/reports'

await runCommand(async () => {
  const args = process.argv.slice(2)
  const { words, flags, rest } = splitFlags(args, { before: 'string', limit: 'string' }, serverOptions)
  const options = readOptions(rest, process.env, serverOptions)
  if (options === 'help') {
    process.stdout.write(help())
    return
  }
  const [what = 'list', id, ...more] = words
  if (what !== 'list' && what !== 'show')
    throw new StartError(`name what to do: list or show, not ${what} (see --help)`, 2)
  if (what === 'show' && id === undefined) throw new StartError('name the report: show <number>', 2)
  const surplus = what === 'list' ? id : more[0]
  if (surplus !== undefined) throw new StartError(`unexpected argument ${surplus} (see --help)`, 2)
  const server = await findServer(options)
  if (what === 'show') {
    const report = await server.ask('GET', `${ROOT}/${encodeURIComponent(id!)}`)
    for (const [name, value] of Object.entries(report)) {
      console.log(`${name}: ${typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value)}`)
    }
    return
  }
  const query = new URLSearchParams(flags as Record<string, string>)
  const page = await server.ask('GET', `${ROOT}?${query}`)
  for (const report of page.reports as JsonAnswer[]) console.log(summary(report))
  if ((page.reports as JsonAnswer[]).length === 0) console.log('no reports')
  if (page.next !== undefined) console.log(`older ones: npm run reports -- list --before ${page.next}`)
})

function summary({ id, received_ts, reporter, room_id, event_id, user_id, reason }: JsonAnswer): string {
  const about = [user_id, room_id, event_id].filter((one) => one !== undefined).join(' ')
  // One line a report, whatever was written into it.
  return `${id}  ${new Date(Number(received_ts)).toISOString()}  ${reporter} about ${about}: ${JSON.stringify(reason)}`
}

function help(): string {
  const [, ...options] = helpText('npm run reports', serverOptions).split('\n')
  return [
    'Usage: npm run reports -- [list] [--before <number>] [--limit <count>] [options]',
    '       npm run reports -- show <number> [options]',
    '',
    '  list    One line each, newest first; --before goes on from there.',
    '  show    One report with all it says, and the event it is about.',
    ...options,
  ].join('\n')
}
