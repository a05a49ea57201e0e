/** How a command speaks to the running server: where it is, and a token signed with its own keys. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { issueOperatorToken } from '../../src/accounts/operator-token.ts'
import type { TokenKey } from '../../src/ports/config.ts'
import { decodeBase64 } from '../../src/protocol/base64.ts'
import { type Keys, readKeys, requireServerName } from '../keys.ts'
import { ADDRESS_FILE, authority } from '../options/address.ts'
import { type CommandOptions, optionTable } from '../options/options.ts'
import { messageOf, StartError } from '../start-error.ts'
import { readCertificates, trust } from '../tls.ts'

/** The options of every command that asks a running server. */
export const serverOptions = ['data-dir', 'server-name', 'public-url', 'host', 'port', 'ca'] as const
export type ServerOptions = CommandOptions<(typeof serverOptions)[number]>

type AddressOptions = Pick<ServerOptions, 'data-dir' | 'public-url' | 'host' | 'port'>
type IdentityOptions = Pick<ServerOptions, 'data-dir' | 'server-name'>

/** As the Worker's secret `TOKEN_KEYS`, for a server on another machine, which has no data folder here. */
const TokenKeys = z.array(z.object({ id: z.string(), secret: z.string() })).min(1)
const Address = z.object({ url: z.url() })

export type JsonAnswer = Record<string, unknown>

/** A request that was refused, or answered by nobody. */
export class Refused extends StartError {
  /** The answer's status; 0 without an answer. */
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }

  /** Whether the same request may be answered later. */
  get mayPass(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

/** The token is good for five minutes, and long work outlives it. */
const TOKEN_USED_MS = 120_000

export interface RunningServer {
  serverName: string
  url: string
  /** @throws Refused where no server answers, or it refuses */
  ask(method: string, path: string, body?: unknown): Promise<JsonAnswer>
}

/** The server that the options mean. @throws StartError */
export async function findServer(options: ServerOptions): Promise<RunningServer> {
  if (options.ca !== undefined) trust(readCertificates(options.ca))
  const { keys, serverName } = operatorOf(options)
  let token = { text: await issueOperatorToken(keys, serverName), issued: Date.now() }
  const url = addressOf(options)
  return {
    serverName,
    url,
    async ask(method, path, body) {
      if (Date.now() - token.issued > TOKEN_USED_MS)
        token = { text: await issueOperatorToken(keys, serverName), issued: Date.now() }
      return ask(new URL(path, url), { method, token: token.text, body })
    },
  }
}

/** Full ids, and the names before the colon, are the same user. */
export function userIdFor(name: string, serverName: string): string {
  return name.startsWith('@') ? name : `@${name}:${serverName}`
}

async function ask(
  url: URL,
  { method, token, body }: { method: string; token: string; body: unknown },
): Promise<JsonAnswer> {
  let response: Response
  try {
    response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
  } catch (error) {
    throw new Refused(
      `no server answers at ${url.origin}: ${messageOf(error)}. Is it running? --public-url names another address`,
      0,
    )
  }
  const answer = (await response.json().catch(() => undefined)) as JsonAnswer | undefined
  if (answer === undefined) {
    throw new Refused(
      `the server at ${url.origin} is not Selvedge: ${response.status} without JSON`,
      response.status,
    )
  }
  if (response.ok) return answer
  throw new Refused(
    `${url.origin} refused: ${answer.error} (${response.status} ${answer.errcode})`,
    response.status,
  )
}

/** Where the server listens that the options mean. @throws StartError where none runs */
export function addressOf(options: AddressOptions): string {
  const { host, port, 'public-url': publicUrl } = options
  if (host !== undefined || port !== undefined) {
    return `http://${authority(host ?? optionTable.host.default, Number(port ?? optionTable.port.default))}`
  }
  if (publicUrl !== undefined) return publicUrl
  const found = runningAt(options['data-dir'])
  if (found === undefined) {
    throw new StartError(
      `no server runs on ${options['data-dir']}: start it with npm start, or name another by --data-dir or --public-url`,
    )
  }
  return found
}

/** Where the server of a data folder listens, if one runs. */
export function runningAt(dataDir: string): string | undefined {
  const file = join(dataDir, 'run', ADDRESS_FILE)
  return existsSync(file) ? Address.parse(JSON.parse(readFileSync(file, 'utf8'))).url : undefined
}

/** The name of a data folder's server: its keys know it; what is given must be the same. @throws StartError */
export function serverNameOf(keys: Keys | undefined, given: string | undefined): string | undefined {
  if (keys !== undefined && given !== undefined) requireServerName(keys, given)
  return given ?? keys?.server_name
}

/** What the operator's tokens are signed with, and for which server. @throws StartError */
export function operatorOf(options: IdentityOptions): { keys: TokenKey[]; serverName: string } {
  const file = join(options['data-dir'], 'keys.json')
  const elsewhere = process.env.TOKEN_KEYS
  if (elsewhere !== undefined) {
    const serverName = options['server-name']
    if (serverName === undefined)
      throw new StartError('--server-name is missing: TOKEN_KEYS do not say it', 2)
    return { keys: decoded(parsedKeys(elsewhere)), serverName }
  }
  const keys = readKeys(file)
  if (keys === undefined)
    throw new StartError(`${file} is missing: name the data folder of the server by --data-dir`)
  return { keys: decoded(keys.token_keys), serverName: serverNameOf(keys, options['server-name'])! }
}

function parsedKeys(text: string): z.infer<typeof TokenKeys> {
  try {
    return TokenKeys.parse(JSON.parse(text))
  } catch {
    throw new StartError('TOKEN_KEYS must be the JSON list that the secret of that name holds', 2)
  }
}

function decoded(keys: z.infer<typeof TokenKeys>): TokenKey[] {
  return keys.map(({ id, secret }) => ({ id, secret: decodeBase64(secret) }))
}
