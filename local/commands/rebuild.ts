/** `npm run rebuild:room`, `:user` and `:media`: makes a running server rebuild an object, or its index of media. */

import { helpText, readOptions } from '../options/options.ts'
import { StartError } from '../start-error.ts'
import { runCommand } from './command.ts'
import { findServer, serverOptions } from './running-server.ts'

const SIGILS = { room: '!', user: '@' } as const
type Kind = keyof typeof SIGILS

const [, , kind, ...args] = process.argv
await runCommand(() => (kind === 'media' ? rebuildMedia() : rebuildObject(kind === 'user' ? 'user' : 'room')))

async function rebuildObject(kind: Kind): Promise<void> {
  const id = args.find((arg) => arg.startsWith(SIGILS[kind]))
  const rest = args.filter((arg) => arg !== id)
  const options = readOptions(rest, process.env, serverOptions)
  if (options === 'help') {
    process.stdout.write(helpText(`npm run rebuild:${kind} -- '${SIGILS[kind]}…'`, serverOptions))
    return
  }
  if (id === undefined) throw new StartError(`name the ${kind}: an id that begins with ${SIGILS[kind]}`, 2)
  const server = await findServer(options)
  const answer = await server.ask('POST', `/_selvedge/admin/rebuild/${kind}/${encodeURIComponent(id)}`)
  const [what, count] = Object.entries(answer)[0] ?? []
  console.log(`rebuilt ${id}: ${count} ${what}`)
}

/** In pages, since one request does only so much. */
async function rebuildMedia(): Promise<void> {
  const options = readOptions(args, process.env, serverOptions)
  if (options === 'help') {
    process.stdout.write(helpText('npm run rebuild:media', serverOptions))
    return
  }
  const server = await findServer(options)
  let count = 0
  let next: unknown
  do {
    const after = typeof next === 'string' ? `?after=${encodeURIComponent(next)}` : ''
    const answer = await server.ask('POST', `/_selvedge/admin/rebuild/media${after}`)
    count += Number(answer.added)
    next = answer.next
  } while (next !== undefined)
  console.log(`entered ${count} uploads that the index lacked`)
}
