/** The options of the load, each within bounds. */

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { KIND_NAMES, type Kind } from './kinds.ts'

export interface LoadOptions {
  /** Absent where only idle sockets are opened. */
  kind?: Kind
  clients: number
  /** Members of each group. */
  groups: number
  /** Messages a second, of all groups together. */
  rate: number
  seconds: number
  /** Clients that begin to connect, a second. */
  connectRate: number
  /** Sockets of the stream on which nothing happens. */
  idle: number
}

export interface CommandOptions extends LoadOptions {
  url?: string
  out: string
}

interface Bounds {
  least: number
  most: number
  unless: number
}

const NUMBERS = {
  clients: { least: 2, most: 5_000, unless: 100 },
  groups: { least: 2, most: 500, unless: 20 },
  rate: { least: 1, most: 1_000, unless: 20 },
  seconds: { least: 1, most: 600, unless: 30 },
  'connect-rate': { least: 1, most: 1_000, unless: 100 },
  idle: { least: 0, most: 20_000, unless: 0 },
} satisfies Record<string, Bounds>

type NumberName = keyof typeof NUMBERS

export const USAGE = `npm run load -- --kind ${KIND_NAMES.join('|')} [options]

  --kind KIND        which clients connect and talk; may be left out with --idle
  --clients N        how many (${range('clients')}); a multiple of --groups
  --groups N         members of each group (${range('groups')})
  --rate R           messages a second, of all groups together (${range('rate')})
  --seconds S        how long they talk (${range('seconds')})
  --connect-rate R   clients that begin to connect, a second (${range('connect-rate')})
  --idle N           besides, idle sockets of the stream, each of a user of its own (${range('idle')})
  --url URL          a homeserver that runs on this machine, with open registration and without rate limits
                     (default: one of its own); its memory and processor time are not measured
  --out DIR          where load-KIND.json goes (default: bench/results)
  --help             this text`

function range(name: NumberName): string {
  const { least, most, unless } = NUMBERS[name]
  return `${least} to ${most}, default ${unless}`
}

/** Reads the command line; undefined means that only the usage was asked for. @throws Error, which says what is wrong in one line */
export function readLoadOptions(args: readonly string[]): CommandOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kind: { type: 'string' },
      clients: { type: 'string' },
      groups: { type: 'string' },
      rate: { type: 'string' },
      seconds: { type: 'string' },
      'connect-rate': { type: 'string' },
      idle: { type: 'string' },
      url: { type: 'string' },
      out: { type: 'string', default: join(import.meta.dirname, '../results') },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const numberOf = (name: NumberName) => bounded(name, values[name])
  const options: CommandOptions = {
    kind: kindOf(values.kind),
    clients: numberOf('clients'),
    groups: numberOf('groups'),
    rate: numberOf('rate'),
    seconds: numberOf('seconds'),
    connectRate: numberOf('connect-rate'),
    idle: numberOf('idle'),
    url: values.url === undefined ? undefined : loopbackUrl(values.url),
    out: values.out,
  }
  if (options.kind === undefined && options.idle === 0)
    throw new Error(`--kind is needed: ${KIND_NAMES.join(', ')}; or --idle, for idle sockets alone`)
  if (options.kind !== undefined && options.clients % options.groups !== 0)
    throw new Error(
      `--clients must be a multiple of --groups: ${options.clients} is none of ${options.groups}`,
    )
  return options
}

function bounded(name: NumberName, text: string | undefined): number {
  const { least, most, unless } = NUMBERS[name]
  if (text === undefined) return unless
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw new Error(`--${name} must be a whole number from ${least} to ${most}, not "${text}"`)
  return value
}

function kindOf(text: string | undefined): Kind | undefined {
  const kind = KIND_NAMES.find((name) => name === text)
  if (text !== undefined && kind === undefined)
    throw new Error(`--kind must be one of ${KIND_NAMES.join(', ')}, not "${text}"`)
  return kind
}

/** Load is for one's own machine: a mistyped name must not put it on somebody else's. */
function loopbackUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isLoopback =
    url !== undefined && (url.hostname === 'localhost' || /^127(\.\d+){3}$/.test(url.hostname))
  if (url?.protocol !== 'http:' || !isLoopback)
    throw new Error(`--url must be on this machine, such as http://127.0.0.1:8008, not "${text}"`)
  return url.origin
}
