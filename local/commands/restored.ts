/** `npm run restored`: tells a server, before it starts, that a backup was put in its place. */

import { openDataFolder } from '../data-folder.ts'
import { raisedMark } from '../generation.ts'
import { objectsPart, postgresPart } from '../marks.ts'
import { runMigrations } from '../migrations.ts'
import { helpText, readOptions } from '../options/options.ts'
import type { Mark } from '../parts.ts'
import { migrationsFolder } from '../paths.ts'
import { openServer } from '../postgres/server.ts'
import { StartError } from '../start-error.ts'
import { readCertificates, trust } from '../tls.ts'
import { runCommand } from './command.ts'

const ours = ['data-dir', 'database-url', 'ca'] as const

await runCommand(async () => {
  const options = readOptions(process.argv.slice(2), process.env, ours)
  if (options === 'help') {
    process.stdout.write(helpText('npm run restored', ours))
    return
  }
  if (options.ca !== undefined) trust(readCertificates(options.ca))
  const folder = openDataFolder(options['data-dir'])
  try {
    const mark = raisedMark(folder)
    if (options['database-url'] !== undefined) await markDatabase(options['database-url'], mark)
    await objectsPart(folder).write(mark)
    console.log('the next start no longer trusts what clients remember: each client reads its rooms anew')
  } finally {
    folder.unlock()
  }
})

/** A dump from before this version names no server, so the operator that restores it names one. */
async function markDatabase(url: string, mark: Mark): Promise<void> {
  const database = await openServer(url)
  try {
    const name = `The Postgres at ${new URL(url).host} (--database-url)`
    const part = await postgresPart(database, { name, remedy: '', whereAccountsAre: '' })
    if (part.mark !== undefined && part.mark.id !== mark.id) {
      throw new StartError(`${name} belongs to another server (${part.mark.id}): name this one's own`)
    }
    if (part.mark !== undefined) return
    await runMigrations(database, migrationsFolder)
    await part.write(mark)
  } finally {
    await database.close()
  }
}
