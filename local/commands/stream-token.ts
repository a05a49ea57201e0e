/** `npm run stream:token`: tokens by which other systems read the event stream: made, listed, revoked. */
import { helpText, readOptions } from '../options/options.ts'
import { StartError } from '../start-error.ts'
import { runCommand } from './command.ts'
import { findServer, type JsonAnswer, type RunningServer, serverOptions } from './running-server.ts'
import { splitFlags } from './words.ts'

const ROOT = '/_selvedge/admin/stream/tokens'
const FLAGS = { topics: 'string', group: 'string', name: 'string', days: 'string' } as const

type Flags = Partial<Record<keyof typeof FLAGS, string>>

/** What it can do, each with the words that it takes after its name. */
const DOES: Record<
  string,
  { takes: number; run: (server: RunningServer, words: string[], flags: Flags) => Promise<void> }
> = {
  create: { takes: 0, run: create },
  list: { takes: 0, run: list },
  revoke: { takes: 1, run: revoke },
}

await runCommand(async () => {
  const { words, flags, rest } = splitFlags(process.argv.slice(2), FLAGS, serverOptions)
  const options = readOptions(rest, process.env, serverOptions)
  if (options === 'help') {
    process.stdout.write(help())
    return
  }
  const [what = 'create', ...more] = words
  const does = Object.hasOwn(DOES, what) ? DOES[what] : undefined
  if (does === undefined)
    throw new StartError(`name what to do: create, list or revoke, not ${what} (see --help)`, 2)
  if (more.length < does.takes) throw new StartError('name the token: revoke <id>', 2)
  if (more.length > does.takes) throw new StartError(`unexpected argument ${more.at(-1)} (see --help)`, 2)
  await does.run(await findServer(options), more, flags as Flags)
})

async function create(
  server: RunningServer,
  _: string[],
  { topics, group, name, days }: Flags,
): Promise<void> {
  if (topics === undefined) throw new StartError('--topics is missing: such as --topics events,membership', 2)
  // JSON would make null of what is no number, and the token would never end.
  if (days !== undefined && !(Number(days) > 0))
    throw new StartError(`--days ${days} is refused: it must be a number above 0`, 2)
  const made = await server.ask('POST', ROOT, {
    topics: topics.split(','),
    ...(group !== undefined && { group }),
    ...(name !== undefined && { name }),
    ...(days !== undefined && { days: Number(days) }),
  })
  console.error(
    `${summary(made)}\nKept nowhere but here; revoked by npm run stream:token -- revoke ${made.id}`,
  )
  console.log(made.token)
}

async function list(server: RunningServer): Promise<void> {
  const { tokens } = await server.ask('GET', ROOT)
  for (const token of tokens as JsonAnswer[]) console.log(summary(token))
  if ((tokens as JsonAnswer[]).length === 0) console.log('no tokens')
}

async function revoke(server: RunningServer, [id = '']: string[]): Promise<void> {
  await server.ask('DELETE', `${ROOT}/${encodeURIComponent(id)}`)
  console.log(`revoked ${id}`)
}

/** One line, whatever the name is. */
function summary({ id, name, topics, group, created_ts, expires_ts, revoked_ts }: JsonAnswer): string {
  const day = (ts: unknown) => new Date(Number(ts)).toISOString()
  return [
    id,
    (topics as string[]).join(','),
    group === undefined ? 'any group' : `group ${group}`,
    ...(name === '' ? [] : [JSON.stringify(name)]),
    `made ${day(created_ts)}`,
    ...(expires_ts === undefined ? [] : [`until ${day(expires_ts)}`]),
    ...(revoked_ts === undefined ? [] : [`revoked ${day(revoked_ts)}`]),
  ].join('  ')
}

function help(): string {
  const [, ...options] = helpText('npm run stream:token', serverOptions).split('\n')
  return [
    'Usage: npm run stream:token -- [create] --topics <topic>,… [--group <name>] [--name <text>] [--days <number>]',
    '       npm run stream:token -- list',
    '       npm run stream:token -- revoke <id>',
    '',
    '  create  Prints the token: for these topics alone, for one consumer group or any, for ever or some days.',
    '  list    One line each, newest first. The tokens themselves are kept nowhere.',
    '  revoke  From then on no partition takes the token.',
    ...options,
  ].join('\n')
}
