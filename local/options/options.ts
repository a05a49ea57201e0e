/** Reads the options of a command line by the one table of them: flags win over the environment. */
import { parseArgs } from 'node:util'
import { StartError } from '../start-error.ts'
import { nearest } from './nearest.ts'
import { type OptionRow, optionTable } from './option-table.ts'
import { isElsewhere, isPublic, isUnspecified } from './public-address.ts'
import { missingForStores } from './store-checks.ts'

export { optionTable }

export type OptionName = keyof typeof optionTable
/** Every option with its text, its default filled in; absent where it has none. */
export type Options = {
  [Name in OptionName]: (typeof optionTable)[Name] extends { default: string } ? string : string | undefined
}

/** The options of one command: what the running server or its keys know has no default there. */
export type CommandOptions<Name extends OptionName> = {
  [N in Name]: (typeof optionTable)[N] extends { known: true } ? string | undefined : Options[N]
}

type Environment = Record<string, string | undefined>

const PREFIX = 'SELVEDGE_'

const rows = Object.entries(optionTable) as [OptionName, OptionRow][]

/**
 * The options of a command line; of a command that knows `names` alone where given.
 *
 * @throws StartError, exit code 2, naming what is wrong
 */
export function readOptions(args: string[], env: Environment): Options | 'help'
export function readOptions<Name extends OptionName>(
  args: string[],
  env: Environment,
  names: readonly Name[],
): CommandOptions<Name> | 'help'
export function readOptions(
  args: string[],
  env: Environment,
  names?: readonly OptionName[],
): Partial<Record<OptionName, string>> | 'help' {
  const known = rowsOf(names)
  const flags = readFlags(args, known)
  if (flags.help) return 'help'
  const options: Partial<Record<OptionName, string>> = {}
  for (const [name, row] of known) {
    // An empty variable is how shells and compose files say that there is none.
    const fromEnv = env[variableOf(name, row)] || undefined
    const value = flags[name] ?? fromEnv ?? (names && row.known ? undefined : row.default)
    if (value === undefined) continue
    const source = flags[name] === undefined && fromEnv !== undefined ? variableOf(name, row) : `--${name}`
    if (value === '') throw refusal(`${source} needs a value`)
    const wrong = row.check?.(value)
    if (wrong) throw refusal(`${source} ${wrong}, not ${shown(name, value)}`)
    options[name] = value
  }
  refuseUnknownVariables(env)
  refuseContradictions(options)
  return options
}

/** The table as `--help` prints it. */
export function helpText(command = 'npm start', names?: readonly OptionName[]): string {
  const lines = rowsOf(names).map(([name, row]) => ({
    flag: `--${name} <${row.value}>`,
    variable: variableOf(name, row),
    help: row.default ? `${row.help} [${row.default}]` : row.help,
  }))
  const width = (key: 'flag' | 'variable') => Math.max(...lines.map((line) => line[key].length)) + 2
  const table = lines.map(
    (line) => `  ${line.flag.padEnd(width('flag'))}${line.variable.padEnd(width('variable'))}${line.help}`,
  )
  return [
    `Usage: ${command}${command.includes(' -- ') ? '' : ' --'} [options]`,
    '',
    'Each option is also an environment variable; flags win.',
    '',
    ...table,
    '',
  ].join('\n')
}

function rowsOf(names?: readonly OptionName[]): [OptionName, OptionRow][] {
  return names ? rows.filter(([name]) => names.includes(name)) : rows
}

function readFlags(args: string[], known: [OptionName, OptionRow][]): Record<string, string | undefined> {
  const types = Object.fromEntries(known.map(([name]) => [name, { type: 'string' as const }]))
  const { tokens } = parseArgs({
    args,
    options: { ...types, help: { type: 'boolean', short: 'h' } },
    strict: false,
    tokens: true,
  })
  const flags: Record<string, string | undefined> = {}
  for (const token of tokens) {
    if (token.kind === 'positional') throw refusal(`unexpected argument ${token.value}`)
    if (token.kind === 'option-terminator') continue
    if (token.name === 'help' || token.rawName === '-h') flags.help = 'help'
    else if (!(token.name in types)) throw refusal(`unknown option ${token.rawName}`)
    else if (flags[token.name] !== undefined) throw refusal(`${token.rawName} is given twice`)
    else if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
      throw refusal(`${token.rawName} needs a value`)
    } else flags[token.name] = token.value
  }
  return flags
}

/** A misspelt variable would leave its option at the default, such as registration open. */
function refuseUnknownVariables(env: Environment): void {
  const known = rows.map(([name, row]) => variableOf(name, row))
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX) || !value || known.includes(variable)) continue
    const meant = nearest(variable, known)
    throw refusal(`${variable} is not an option${meant === undefined ? '' : `: ${meant} is`}`)
  }
}

function refuseContradictions(options: Partial<Record<OptionName, string>>): void {
  for (const file of ['tls-cert', 'tls-key'] as const) {
    if (options['https-port'] !== undefined && !options[file]) throw refusal(`--https-port needs --${file}`)
    if (options['https-port'] === undefined && options[file]) throw refusal(`--${file} needs --https-port`)
  }
  const [turnUri, turnSecret] = [options['turn-uri'], options['turn-secret']]
  if (turnUri !== undefined && !turnSecret) throw refusal('--turn-uri needs --turn-secret')
  if (turnUri === undefined && turnSecret) throw refusal('--turn-secret needs --turn-uri')
  const missing = missingForStores(options)
  if (missing !== undefined) throw refusal(missing)
  refuseOutside(options)
  const { port } = options
  if (port !== undefined && port !== '0' && port === options['https-port'])
    throw refusal(`--https-port and --port are both ${port}`)
}

/** Refuses options that are unsafe once other machines are served. */
function refuseOutside({ host, registration, ...options }: Partial<Record<OptionName, string>>): void {
  // Not options of a command, but of a server.
  if (host === undefined || registration === undefined) return
  const publicUrl = options['public-url']
  if (isUnspecified(host) && publicUrl === undefined) {
    throw refusal(
      `--host ${host} needs --public-url: clients are told where the server is, and cannot be told ${host}`,
    )
  }
  const outside = [
    ...(isElsewhere(host) ? [] : [host]),
    ...(publicUrl === undefined ? [] : [new URL(publicUrl).hostname]),
  ].find(isPublic)
  if (outside === undefined || registration !== 'open' || options['allow-open-registration'] === 'yes') return
  throw refusal(
    `registration is open, and ${outside} is an address that others can reach: choose --registration token or closed, or say --allow-open-registration yes`,
  )
}

function variableOf(name: string, row: OptionRow): string {
  return row.variable ?? `${PREFIX}${name.toUpperCase().replaceAll('-', '_')}`
}

/** What is no text for a terminal: addresses carry passwords. */
const SECRETS: ReadonlySet<OptionName> = new Set([
  'database-url',
  'redis-url',
  'turn-secret',
  's3-endpoint',
  's3-secret-access-key',
  'ipfs-api',
  'ipfs-api-secret',
  'registration-shared-secret',
  'metrics-token',
])

/** A value that may be shown. */
function shown(name: OptionName, value: string): string {
  return SECRETS.has(name) ? 'what was given' : `"${value}"`
}

function refusal(message: string): StartError {
  return new StartError(`${message} (see --help)`, 2)
}
