/** What `npm run stack` is told: the command, its own flags, and the options that go on to the server. */
import { resolve } from 'node:path'
import { splitFlags } from '../commands/words.ts'
import { type OptionName, optionTable, readOptions } from '../options/options.ts'
import { StartError } from '../start-error.ts'
import { readTlsFiles } from '../tls.ts'
import { BY_DEFAULT, FOLLOWS, SERVICE_NAMES, type ServiceName } from './service.ts'
import { SERVICES } from './services/index.ts'
import type { State } from './state.ts'

export const COMMANDS = ['up', 'down', 'status', 'logs'] as const
export type CommandName = (typeof COMMANDS)[number]

/** What the stack says to the server itself. */
const OURS: readonly OptionName[] = [
  'host',
  'port',
  'data-dir',
  'https-port',
  'tls-cert',
  'tls-key',
  'client-address-header',
  'database-url',
  'redis-url',
]

const PASSED = (Object.keys(optionTable) as OptionName[]).filter((name) => !OURS.includes(name))

const FLAGS = {
  folder: 'string',
  with: 'string',
  without: 'string',
  ports: 'string',
  'tls-cert': 'string',
  'tls-key': 'string',
  'no-smoke': 'boolean',
  lines: 'string',
  follow: 'boolean',
  help: 'boolean',
} as const

/** The flags that belong to one command alone. */
const ONLY_OF: Readonly<Record<string, CommandName>> = {
  with: 'up',
  without: 'up',
  ports: 'up',
  'tls-cert': 'up',
  'tls-key': 'up',
  'no-smoke': 'up',
  lines: 'logs',
  follow: 'logs',
}

export interface Asked {
  command: CommandName
  folder: string
  /** For `logs`: whose. */
  services: ServiceName[]
  lines: string
  follow: boolean
  /** For `up`: whether the server is tried at the end. */
  smoke: boolean
  /** Changes what a new or a remembered stack is to be. */
  change(state: State): void
}

/** @throws StartError, exit code 2, naming what is wrong */
export function readAsked(args: string[]): Asked | 'help' {
  const { words, flags, rest } = splitFlags(args, FLAGS, PASSED)
  if (flags.help === true || rest.includes('-h')) return 'help'
  const [command, ...more] = words
  if (!isOneOf(COMMANDS, command)) throw refusal(`name what to do: ${COMMANDS.join(', ')}`)
  const [stray] = command === 'logs' ? [] : more
  if (stray !== undefined) throw refusal(`unexpected argument ${stray}`)
  for (const [name, only] of Object.entries(ONLY_OF)) {
    if (flags[name] !== undefined && only !== command) throw refusal(`--${name} is for ${only}`)
  }
  if (command !== 'up' && rest.length > 0) throw refusal(`unexpected argument ${rest[0]}`)
  // Checked here, so that a wrong one does not end what has been started for it.
  readOptions(rest, {}, PASSED)
  const text = (name: string) => (flags[name] === undefined ? undefined : String(flags[name]))
  const lines = text('lines') ?? '50'
  if (!/^\d{1,6}$/.test(lines)) throw refusal(`--lines must be a number, not "${lines}"`)
  const [added, left] = [servicesIn('with', text('with')), servicesIn('without', text('without'))]
  if (left.includes('selvedge')) throw refusal('--without cannot name selvedge: the rest is there for it')
  const ports = portsIn(text('ports'))
  const tls = tlsOf(text('tls-cert'), text('tls-key'))
  return {
    command,
    folder: resolve(text('folder') ?? '.selvedge-stack'),
    services: more.map((name) => serviceNamed('logs', name)),
    lines,
    follow: flags.follow === true,
    smoke: flags['no-smoke'] !== true,
    change(state) {
      const wanted = new Set([...state.services, ...added].filter((name) => !left.includes(name)))
      state.services = SERVICE_NAMES.filter((name) => wanted.has(FOLLOWS[name] ?? name))
      Object.assign(state.ports, ports)
      if (rest.length > 0) state.options = rest
      if (tls !== undefined) state.tls = tls
    },
  }
}

function servicesIn(flag: string, text: string | undefined): ServiceName[] {
  const names = (text?.split(',') ?? []).map((name) => serviceNamed(`--${flag}`, name.trim()))
  for (const name of names) {
    const other = FOLLOWS[name]
    if (other !== undefined) throw refusal(`--${flag} cannot name ${name}: it comes and goes with ${other}`)
  }
  return names
}

function serviceNamed(where: string, name: string): ServiceName {
  if (isOneOf(SERVICE_NAMES, name)) return name
  throw refusal(`${where}: there is no service ${name}, only ${SERVICE_NAMES.join(', ')}`)
}

function portsIn(text: string | undefined): Record<string, number> {
  const known = SERVICE_NAMES.flatMap((name) => SERVICES[name].ports)
  const pairs = (text ?? '').split(',').filter((pair) => pair !== '')
  const ports = pairs.map((pair) => {
    const [, name = '', number = ''] = /^ *([a-z-]+)=(\d{1,5}) *$/.exec(pair) ?? []
    if (known.includes(name) && Number(number) >= 1 && Number(number) <= 65535) return [name, Number(number)]
    throw refusal(`--ports is a list such as nginx=8443,selvedge=8008, and not "${pair}"`)
  })
  return Object.fromEntries(ports)
}

function tlsOf(cert: string | undefined, key: string | undefined): State['tls'] {
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined || key === undefined) throw refusal('--tls-cert and --tls-key belong together')
  const files = { cert: resolve(cert), key: resolve(key) }
  readTlsFiles(files.cert, files.key)
  return files
}

function isOneOf<T extends string>(all: readonly T[], text: string | undefined): text is T {
  return all.some((one) => one === text)
}

const refusal = (message: string) => new StartError(`${message} (see --help)`, 2)

export const HELP = `\
Usage: npm run stack -- up [--with <services>] [--without <services>] [--ports <list>]
                           [--tls-cert <file> --tls-key <file>] [--no-smoke] [options of npm start]
       npm run stack -- down
       npm run stack -- status
       npm run stack -- logs [service…] [--lines <number>] [--follow]

Services are ${SERVICE_NAMES.join(', ')}; those that run unless told: ${BY_DEFAULT.join(', ')}.
With kubo, new media go there; kafka brings kafka-sink, which carries the event stream to it.
All of them listen on loopback alone. What a stack was told once, it remembers.

  --folder <path>     Where everything of this stack is kept. [.selvedge-stack]
  --with <services>   Adds services, with commas between them.
  --without <list>    Leaves services out.
  --ports <list>      Ports to use, such as nginx=8443,selvedge=8008. Else free ones are chosen, once.
  --tls-cert, --tls-key <file>
                      A certificate for nginx, PEM. Else the stack makes one, by an authority of its own.
  --no-smoke          Does not use the server once at the end, as npm run smoke does.
  --lines <number>    How many lines of each log. [50]
  --follow            Goes on with what comes.
`
