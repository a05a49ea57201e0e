/** `npm run stream:group`: the consumer groups of the event stream, with their lag; and the end of one. */
import { helpText, readOptions } from '../options/options.ts'
import { StartError } from '../start-error.ts'
import { runCommand } from './command.ts'
import { findServer, type JsonAnswer, serverOptions } from './running-server.ts'
import { splitFlags } from './words.ts'

await runCommand(async () => {
  const { words, rest } = splitFlags(process.argv.slice(2), {}, serverOptions)
  const options = readOptions(rest, process.env, serverOptions)
  if (options === 'help') {
    process.stdout.write(help())
    return
  }
  const [what = 'list', group, ...more] = words
  if (what !== 'list' && what !== 'forget')
    throw new StartError(`name what to do: list or forget, not ${what} (see --help)`, 2)
  if (what === 'forget' && group === undefined) throw new StartError('name the group: forget <group>', 2)
  const surplus = what === 'list' ? group : more[0]
  if (surplus !== undefined) throw new StartError(`unexpected argument ${surplus} (see --help)`, 2)
  const server = await findServer(options)
  if (what === 'forget') {
    await server.ask('DELETE', `/_selvedge/admin/stream/groups/${encodeURIComponent(group!)}`)
    console.log(`forgot ${group}`)
    return
  }
  const { groups } = await server.ask('GET', '/_selvedge/stream')
  for (const one of groups as JsonAnswer[]) console.log(summary(one))
  if ((groups as JsonAnswer[]).length === 0) console.log('no groups')
})

function summary({ group, members, lag, offsets }: JsonAnswer): string {
  const [there, known] = [(members as unknown[]).length, (offsets as unknown[]).length]
  return `${group}  members ${there}  lag ${lag}  partitions committed ${known}`
}

function help(): string {
  const [, ...options] = helpText('npm run stream:group', serverOptions).split('\n')
  return [
    'Usage: npm run stream:group -- [list] [options]',
    '       npm run stream:group -- forget <group> [options]',
    '',
    '  list    One line each: its members, and how many records it has yet to do.',
    '  forget  What the group has committed is gone; its members must have left.',
    ...options,
  ].join('\n')
}
