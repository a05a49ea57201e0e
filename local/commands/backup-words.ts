/** What `npm run backup` and `npm run restore` are told: the place of the backup, and the parts of the server. */
import { type StoreOptions, storeNames } from '../backup/media.ts'
import { type CommandOptions, helpText, readOptions } from '../options/options.ts'
import { StartError } from '../start-error.ts'
import { readCertificates, trust } from '../tls.ts'
import { splitFlags } from './words.ts'

const names = ['data-dir', 'database-url', 'ca', ...storeNames] as const

export interface Told {
  place: string
  options: CommandOptions<'data-dir' | 'database-url' | 'ca'> & StoreOptions
}

interface Words {
  command: string
  flag: 'to' | 'from'
  /** What the flag names, for the sentence that it is missing. */
  means: string
  /** The lines of the help above those of the options. */
  help: string[]
}

/** Undefined where only the help was asked for, which is then printed. @throws StartError, exit code 2 */
export function readTold({ command, flag, means, help }: Words): Told | undefined {
  const { words, flags, rest } = splitFlags(process.argv.slice(2), { [flag]: 'string' }, names)
  const options = readOptions(rest, process.env, names)
  if (options === 'help') {
    const [, ...lines] = helpText(command, [...names]).split('\n')
    process.stdout.write(
      [`Usage: ${command} -- --${flag} <folder or file.tar.gz> [options]`, '', ...help, ...lines].join('\n'),
    )
    return undefined
  }
  if (words.length > 0) throw new StartError(`unexpected argument ${words[0]} (see --help)`, 2)
  if (flags[flag] === undefined) throw new StartError(`--${flag} is missing: it names ${means}`, 2)
  if (options.ca !== undefined) trust(readCertificates(options.ca))
  return { place: String(flags[flag]), options }
}
