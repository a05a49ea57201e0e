/** `npm run rebuild:room`, `:user` and `:media`: has a running server make an object, or its index of media, again. */
import { join } from 'node:path'
import * as z from 'zod'
import { issueOperatorToken } from '../src/accounts/operator-token.ts'
import type { TokenKey } from '../src/ports.ts'
import { decodeBase64 } from '../src/protocol/base64.ts'
import { authority } from './address.ts'
import { readKeys } from './keys.ts'
import { helpText, type Options, readOptions } from './options.ts'
import { messageOf, StartError } from './start-error.ts'

const ours = ['host', 'port', 'public-url', 'server-name', 'data-dir'] as const
type OurOptions = Pick<Options, (typeof ours)[number]>

const SIGILS = { room: '!', user: '@' } as const
type Kind = keyof typeof SIGILS

/** As the Worker's secret `TOKEN_KEYS`: for a server that is elsewhere, and has no data folder. */
const TokenKeys = z.array(z.object({ id: z.string(), secret: z.string() })).min(1)

try {
  const [, , kind, ...args] = process.argv
  await (kind === 'media' ? runMedia(args) : run(kind === 'user' ? 'user' : 'room', args))
} catch (error) {
  console.error(error instanceof StartError ? `selvedge: ${error.message}` : error)
  process.exitCode = error instanceof StartError ? error.exitCode : 1
}

async function run(kind: Kind, args: string[]): Promise<void> {
  const id = args.find((arg) => arg.startsWith(SIGILS[kind]))
  const options = readOptions(
    args.filter((arg) => arg !== id),
    process.env,
    ours,
  )
  if (options === 'help') {
    process.stdout.write(helpText(`npm run rebuild:${kind} -- '${SIGILS[kind]}…'`, ours))
    return
  }
  if (id === undefined) throw new StartError(`name the ${kind}: an id that begins with ${SIGILS[kind]}`, 2)
  const answer = await ask(options, `/_selvedge/admin/rebuild/${kind}/${encodeURIComponent(id)}`)
  const [what, count] = Object.entries(answer)[0] ?? []
  console.log(`rebuilt ${id}: ${count} ${what}`)
}

/** In pages: a request does only so much. */
async function runMedia(args: string[]): Promise<void> {
  const options = readOptions(args, process.env, ours)
  if (options === 'help') {
    process.stdout.write(helpText('npm run rebuild:media', ours))
    return
  }
  let count = 0
  let next: unknown
  do {
    const after = typeof next === 'string' ? `?after=${encodeURIComponent(next)}` : ''
    const answer = await ask(options, `/_selvedge/admin/rebuild/media${after}`)
    count += Number(answer.added)
    next = answer.next
  } while (next !== undefined)
  console.log(`entered ${count} uploads that the index lacked`)
}

async function ask(options: OurOptions, path: string): Promise<Record<string, unknown>> {
  const url = options['public-url'] ?? `http://${authority(options.host, Number(options.port))}`
  const token = await issueOperatorToken(tokenKeys(options), options['server-name'])
  let response: Response
  try {
    response = await fetch(new URL(path, url), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    })
  } catch (error) {
    throw new StartError(`no server answers at ${url}: ${messageOf(error)}`)
  }
  const answer = (await response.json()) as Record<string, unknown>
  if (!response.ok) throw new StartError(`${url} refused: ${response.status} ${answer.error}`)
  return answer
}

function tokenKeys(options: OurOptions): TokenKey[] {
  const given = process.env.TOKEN_KEYS
  const keys = given
    ? TokenKeys.parse(JSON.parse(given))
    : readKeys(join(options['data-dir'], 'keys.json'))!.token_keys
  return keys.map(({ id, secret }) => ({ id, secret: decodeBase64(secret) }))
}
