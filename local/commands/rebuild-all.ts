/**
 * `npm run rebuild:all`: makes a running server rebuild all users, and then all rooms, from Postgres. A room tells its
 * members' objects how they stand, and they answer it with what they have: so they must be there before it is.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { inTurns } from '../../src/worker-pool.ts'
import { helpText, readOptions } from '../options/options.ts'
import { StartError } from '../start-error.ts'
import { runCommand } from './command.ts'
import { openProgress, type Progress, type ProgressFile } from './rebuild-progress.ts'
import { findServer, type JsonAnswer, Refused, type RunningServer, serverOptions } from './running-server.ts'
import { splitFlags } from './words.ts'

const ROOT = '/_selvedge/admin'
const MOST_AT_ONCE = 32
const AT_ONCE = '4'
/** Pauses before a rebuild is tried again that may pass, ms. */
const AGAIN_MS = [500, 1_000, 2_000, 4_000, 8_000]

interface Kind {
  name: 'users' | 'rooms'
  one: 'user' | 'room'
  /** A page of ids after an id, and what the next page is asked for with. */
  page(server: RunningServer, after: string): Promise<{ ids: string[]; next: string | undefined }>
}

const KINDS: readonly Kind[] = [
  {
    name: 'users',
    one: 'user',
    async page(server, after) {
      const answer = await patiently(() =>
        server.ask('GET', `${ROOT}/accounts?${new URLSearchParams({ after })}`),
      )
      return {
        ids: (answer.accounts as JsonAnswer[]).map(({ user_id }) => String(user_id)),
        next: nextOf(answer),
      }
    },
  },
  {
    name: 'rooms',
    one: 'room',
    async page(server, after) {
      const query = new URLSearchParams({ after })
      const answer = await patiently(() => server.ask('GET', `${ROOT}/rebuild/rooms?${query}`))
      return { ids: (answer.rooms as unknown[]).map(String), next: nextOf(answer) }
    },
  },
]

await runCommand(async () => {
  const own = { parallel: 'string', progress: 'string', anew: 'boolean' } as const
  const { words, flags, rest } = splitFlags(process.argv.slice(2), own, serverOptions)
  const options = readOptions(rest, process.env, serverOptions)
  if (options === 'help') {
    process.stdout.write(help())
    return
  }
  if (words.length > 0) throw new StartError(`unexpected argument ${words[0]} (see --help)`, 2)
  const atOnce = numberOf(String(flags.parallel ?? AT_ONCE))
  const server = await findServer(options)
  const path = String(
    flags.progress ?? `selvedge-rebuild-${server.serverName.replaceAll(/[^\w.-]/g, '_')}.json`,
  )
  const file = openProgress(path, server.serverName, flags.anew === true)
  const { progress } = file
  if (file.isResumed) console.log(`goes on with the rebuild that began at ${progress.begun_at} (${path})`)
  const sizes = await patiently(() => server.ask('GET', `${ROOT}/rebuild`))
  await retryFailed(server, file, atOnce)
  for (const kind of KINDS) await rebuildKind(kind, { server, file, atOnce, total: Number(sizes[kind.name]) })
  if (progress.failed.length === 0) {
    file.remove()
    console.log('everything is rebuilt')
    return
  }
  throw new StartError(
    `${progress.failed.length} could not be rebuilt, the first is ${progress.failed[0]}: the same command tries them again`,
  )
})

interface Run {
  server: RunningServer
  file: ProgressFile
  atOnce: number
}

/** Page by page: what the file names is done up to there. */
async function rebuildKind(
  kind: Kind,
  { server, file, atOnce, total }: Run & { total: number },
): Promise<void> {
  const { progress } = file
  const counts = { rebuilt: 0, empty: 0 }
  for (let after: string | null | undefined = progress[kind.name] ?? ''; progress[kind.name] !== null; ) {
    const { ids, next } = await kind.page(server, after ?? '')
    await inTurns([...ids], atOnce, async (id) => {
      const outcome = await rebuilt(server, kind.one, id, progress)
      if (outcome !== 'failed') counts[outcome] += 1
    })
    after = next ?? null
    progress[kind.name] = after
    file.save()
    const empty = counts.empty > 0 ? `, ${counts.empty} of which nothing was ever kept` : ''
    console.log(
      `${kind.name}: ${counts.rebuilt} of ${total} rebuilt${empty}${next ? ` (up to ${ids.at(-1)})` : ''}`,
    )
  }
}

async function retryFailed(server: RunningServer, file: ProgressFile, atOnce: number): Promise<void> {
  const { progress } = file
  const again = progress.failed.splice(0)
  const users = again.filter((id) => id.startsWith('@'))
  const rooms = again.filter((id) => !id.startsWith('@'))
  await inTurns(users, atOnce, async (id) => void (await rebuilt(server, 'user', id, progress)))
  await inTurns(rooms, atOnce, async (id) => void (await rebuilt(server, 'room', id, progress)))
  if (again.length > 0) file.save()
}

/** @throws Refused where the server is away for long: nothing after that would succeed */
async function rebuilt(
  server: RunningServer,
  one: Kind['one'],
  id: string,
  progress: Progress,
): Promise<'rebuilt' | 'empty' | 'failed'> {
  try {
    await patiently(() => server.ask('POST', `${ROOT}/rebuild/${one}/${encodeURIComponent(id)}`))
    return 'rebuilt'
  } catch (error) {
    if (!(error instanceof Refused) || error.status === 0 || error.status === 401 || error.status === 403)
      throw error
    // An account that was never used.
    if (error.status === 404) return 'empty'
    console.error(`selvedge: ${id}: ${error.message}`)
    progress.failed.push(id)
    return 'failed'
  }
}

async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (const ms of AGAIN_MS) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Refused && error.mayPass)) throw error
      await sleep(ms)
    }
  }
  return work()
}

function nextOf({ next }: JsonAnswer): string | undefined {
  return typeof next === 'string' ? next : undefined
}

function numberOf(text: string): number {
  const number = /^\d{1,2}$/.test(text) ? Number(text) : 0
  if (number >= 1 && number <= MOST_AT_ONCE) return number
  throw new StartError(`--parallel must be a number from 1 to ${MOST_AT_ONCE}, not "${text}" (see --help)`, 2)
}

function help(): string {
  const [, ...options] = helpText('npm run rebuild:all', serverOptions).split('\n')
  return [
    'Usage: npm run rebuild:all -- [--parallel <number>] [--progress <file>] [--anew] [options]',
    '',
    `  --parallel <number>  How many are rebuilt at once. [${AT_ONCE}]`,
    '  --progress <file>    Where it is noted how far this has come; the same command goes on from there.',
    '  --anew               Begins from the start, whatever the file says.',
    ...options,
  ].join('\n')
}
