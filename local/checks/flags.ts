/** The options of the commands that visit a server: a flag, or a variable, which other users of the machine do not see. */
import { splitFlags } from '../commands/words.ts'
import { integerIn, urlOf } from '../options/checks.ts'
import { type CommandOptions, helpText, type OptionName, readOptions } from '../options/options.ts'
import { StartError } from '../start-error.ts'

interface Flag {
  /** What stands for its value in the help; without one it takes none. */
  value?: string
  variable?: string
  help: string
  check?: (text: string) => string | undefined
}

export const entryFlags = {
  user: {
    value: 'name',
    variable: 'CHECK_USER',
    help: 'An account that is there, in place of a new one; it stays.',
  },
  password: {
    value: 'secret',
    variable: 'CHECK_PASSWORD',
    help: 'Its password; better given as the variable.',
  },
  'registration-token': {
    value: 'token',
    variable: 'CHECK_REGISTRATION_TOKEN',
    help: 'What a new account is made by, where registration asks for one.',
  },
} as const satisfies Record<string, Flag>

export const addressFlag = {
  url: {
    value: 'url',
    variable: 'CHECK_URL',
    help: 'Where clients reach the server.',
    check: urlOf('https:', 'http:'),
  },
} as const satisfies Record<string, Flag>

export const reportFlags = {
  json: { value: 'file', help: 'Writes the report as JSON; - writes it in place of the table.' },
} as const satisfies Record<string, Flag>

export const everySecond = { value: 's', check: integerIn(1, 3600) }

/** The options of the table that these commands know too. */
export const shared = [
  'server-name',
  'registration-shared-secret',
  'metrics-token',
  'ca',
  'data-dir',
] as const
export type Shared = CommandOptions<(typeof shared)[number]>

export type FlagTable = Record<string, Flag>
/** Switches that are on hold the empty text. */
export type Given<Table extends FlagTable> = Partial<Record<keyof Table & string, string>>

/**
 * Reads a command's own flags, and those of the table of options that it shares.
 * @throws StartError, exit code 2
 */
export function readFlags<Table extends FlagTable>(
  args: string[],
  table: Table,
  names: readonly OptionName[] = shared,
): { given: Given<Table>; options: Shared } | 'help' {
  const types = Object.fromEntries(
    Object.entries(table).map(
      ([name, { value }]) => [name, value === undefined ? 'boolean' : 'string'] as const,
    ),
  )
  const { words, flags, rest } = splitFlags(args, types, names)
  const options = readOptions(rest, process.env, names)
  if (options === 'help') return 'help'
  if (words.length > 0) throw new StartError(`unexpected argument ${words[0]} (see --help)`, 2)
  const given: Partial<Record<string, string>> = {}
  for (const [name, flag] of Object.entries(table)) {
    const set = flags[name]
    const value = set === true ? '' : (set ?? (flag.variable && process.env[flag.variable]) ?? undefined)
    if (value === undefined || (value === '' && set !== true) || value === false) continue
    const wrong = flag.check?.(String(value))
    if (wrong)
      throw new StartError(`${set === undefined ? flag.variable : `--${name}`} ${wrong} (see --help)`, 2)
    given[name] = String(value)
  }
  return { given: given as Given<Table>, options: options as Shared }
}

/** The help of a command with these flags. */
export function helpOf(command: string, table: FlagTable, names: readonly OptionName[] = shared): string {
  const rows = Object.entries(table).map(([name, { value, variable = '', help }]) => ({
    flag: `--${name}${value === undefined ? '' : ` <${value}>`}`,
    variable,
    help,
  }))
  const [flagWidth, variableWidth] = [36, 28]
  const lines = rows.map(
    ({ flag, variable, help }) => `  ${flag.padEnd(flagWidth)}${variable.padEnd(variableWidth)}${help}`,
  )
  const [usage, , ...more] = helpText(command, [...names]).split('\n')
  return [usage, '', ...lines, ...more].join('\n')
}
