/** `npm run backup`: all of one server as it was at one moment, into a folder or a file, while it runs. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { type Made, makeBackup } from '../backup/make.ts'
import { nameOf } from '../backup/media.ts'
import { isPacked, pack } from '../backup/pack.ts'
import { StartError } from '../start-error.ts'
import { readTold } from './backup-words.ts'
import { runCommand } from './command.ts'

await runCommand(async () => {
  const told = readTold({
    command: 'npm run backup',
    flag: 'to',
    means: 'a folder, or a file that ends in .tar.gz',
    help: [
      '  --to <path>  Where the backup goes; nothing may be there yet.',
      '  A running server is found by its data folder, and knows its Postgres and its stores of media; those options are',
      '  for one that is stopped.',
    ],
  })
  if (told === undefined) return
  const { place, options } = told
  const to = target(place, options['data-dir'])
  // Keys are in it, and all that was said.
  process.umask(0o077)
  const making = mkdtempSync(`${to}.making-`)
  const clear = () => rmSync(making, { recursive: true, force: true })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      clear()
      process.exit(1)
    })
  }
  try {
    const made = await makeBackup(making, options)
    await finish(making, to)
    report(to, made)
  } finally {
    clear()
  }
})

/** @throws StartError for a place where no backup can go */
function target(given: string, dataDir: string): string {
  const to = resolve(given)
  if (existsSync(to)) throw new StartError(`--to ${to} is there already: name a new file or folder`)
  if (!existsSync(dirname(to))) throw new StartError(`--to ${to}: there is no folder ${dirname(to)}`)
  if (to.startsWith(resolve(dataDir) + sep))
    throw new StartError('--to lies in the data folder: name a place outside, best on another disk')
  return to
}

/** Under its name stands a whole backup, or nothing. */
async function finish(making: string, to: string): Promise<void> {
  const packed = isPacked(to)
  const whole = packed ? join(making, basename(to)) : making
  if (packed) {
    await pack(making, `${making}.new`).catch((error) => {
      rmSync(`${making}.new`, { force: true })
      throw error
    })
    renameSync(`${making}.new`, whole)
  }
  // What is said to be kept must be on the disk.
  spawnSync('sync', ['-f', whole])
  renameSync(whole, to)
}

function report(to: string, { manifest, beside, still, stoodStillMs }: Made): void {
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0)
  if (stoodStillMs !== undefined) {
    console.log(`copied ${beside.files} files while the server ran (${megabytes(beside.bytes)})`)
    console.log(
      `it stood still for ${stoodStillMs} ms, in which ${still.files} files were copied anew (${megabytes(still.bytes)})`,
    )
  }
  for (const { name, rows } of manifest.tables ?? []) console.log(`${name}: ${rows} rows`)
  console.log(
    `backed up ${manifest.server_name} to ${to}: ${manifest.files.length} files, ${megabytes(bytes)}`,
  )
  for (const store of manifest.media_elsewhere ?? [])
    console.log(
      `not in it: media in ${nameOf(store)}, which needs a backup of its own; npm run restore looks whether all are there`,
    )
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`
}
