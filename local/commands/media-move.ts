/** `npm run media:move -- --to s3`: copies all media of a running server to another of its stores, and checks each copy. */

import * as z from 'zod'
import { helpText, readOptions } from '../options/options.ts'
import { messageOf, StartError } from '../start-error.ts'
import { runCommand } from './command.ts'
import { findServer, serverOptions } from './running-server.ts'
import { splitFlags } from './words.ts'

const Outcome = z.object({
  copied: z.number(),
  bytes: z.number(),
  there: z.number(),
  deleted: z.number(),
  failed: z.array(z.object({ key: z.string(), reason: z.string() })),
  next: z.string().optional(),
})

/** How many failures are shown; all are counted. */
const SHOWN = 20

await runCommand(async () => {
  const flagKinds = { to: 'string', after: 'string', 'delete-source': 'boolean' } as const
  const { words, flags, rest } = splitFlags(process.argv.slice(2), flagKinds, serverOptions)
  const options = readOptions(rest, process.env, serverOptions)
  if (options === 'help') {
    process.stdout.write(help())
    return
  }
  if (words[0] !== undefined) throw new StartError(`unexpected argument ${words[0]} (see --help)`, 2)
  const { to, after } = flags
  if (to !== 'r2' && to !== 's3' && to !== 'ipfs')
    throw new StartError('name the store: --to r2, --to s3 or --to ipfs', 2)
  const server = await findServer(options)
  const deletes = flags['delete-source'] === true
  const ask = async (next: string | undefined) =>
    Outcome.parse(
      await server.ask('POST', '/_selvedge/admin/media/move', { to, after: next, delete_source: deletes }),
    )
  await moveAll(ask, typeof after === 'string' ? after : undefined)
})

/** In steps, since one request does only so much. */
async function moveAll(
  ask: (after: string | undefined) => Promise<z.infer<typeof Outcome>>,
  begin: string | undefined,
): Promise<void> {
  const sum = { copied: 0, bytes: 0, there: 0, deleted: 0, failed: 0 }
  let next = begin
  do {
    const outcome = await ask(next).catch((error) => {
      const again = next === undefined ? '' : `; go on with --after '${next}'`
      throw new StartError(`${messageOf(error)}${again}`)
    })
    for (const { key, reason } of outcome.failed) {
      sum.failed += 1
      if (sum.failed <= SHOWN) console.error(`${key}: ${reason}`)
    }
    for (const name of ['copied', 'bytes', 'there', 'deleted'] as const) sum[name] += outcome[name]
    next = outcome.next
    if (next !== undefined) console.log(`${inWords(sum)}; at ${next}`)
  } while (next !== undefined)
  console.log(`done: ${inWords(sum)}`)
  if (sum.failed > 0) throw new StartError(`${sum.failed} objects were left where they are`)
}

function inWords({
  copied,
  bytes,
  there,
  deleted,
}: Record<'copied' | 'bytes' | 'there' | 'deleted', number>) {
  const removed = deleted === 0 ? '' : `, ${deleted} deleted at the source`
  return `copied ${copied} objects of ${bytes} bytes, ${there} were there${removed}`
}

function help(): string {
  const [, ...options] = helpText('npm run media:move', serverOptions).split('\n')
  return [
    'Usage: npm run media:move -- --to r2|s3|ipfs [--delete-source] [--after <place>] [options]',
    '',
    '  --to             The store that all media are copied to; it must be set up.',
    '  --delete-source  Also removes what is the same in both stores where it was: only once --to is the store that is written.',
    '  --after          Goes on where an earlier run stopped, as it said.',
    ...options,
  ].join('\n')
}
