/** `npm run restore`: puts a backup into a new data folder, and lets the next start know that it is one. */
import { resolve } from 'node:path'
import { putBack, requireUnused } from '../backup/put-back.ts'
import { openDataFolder } from '../data-folder.ts'
import { helpText, readOptions } from '../options/options.ts'
import { StartError } from '../start-error.ts'
import { readCertificates, trust } from '../tls.ts'
import { runCommand } from './command.ts'
import { splitFlags } from './words.ts'

const ours = ['data-dir', 'database-url', 'ca'] as const

await runCommand(async () => {
  const { words, flags, rest } = splitFlags(process.argv.slice(2), { from: 'string' }, ours)
  const options = readOptions(rest, process.env, ours)
  if (options === 'help') {
    process.stdout.write(help())
    return
  }
  if (words.length > 0) throw new StartError(`unexpected argument ${words[0]} (see --help)`, 2)
  if (flags.from === undefined) throw new StartError('--from is missing: it names the backup', 2)
  if (options.ca !== undefined) trust(readCertificates(options.ca))
  const path = resolve(options['data-dir'])
  // Before the lock, which takes the rights of others away from all that is in a folder.
  requireUnused(path)
  const folder = openDataFolder(path)
  try {
    requireUnused(path)
    const manifest = await putBack(resolve(String(flags.from)), folder, options['database-url'])
    console.log(`restored ${manifest.server_name} as of ${manifest.made_at}: ${manifest.files.length} files`)
    console.log('each client reads its rooms anew, and none of what was handed out since then counts')
  } finally {
    folder.unlock()
  }
})

function help(): string {
  const [, ...options] = helpText('npm run restore', ours).split('\n')
  return [
    'Usage: npm run restore -- --from <folder or file.tar.gz> [options]',
    '',
    '  --from <path>  A backup that npm run backup has made.',
    '  The data folder must be new or empty; so must the database that --database-url names.',
    ...options,
  ].join('\n')
}
