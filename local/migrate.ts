/** `npm run migrate`: brings a Postgres named by its address, or the embedded one of a data folder, up to date. */
import { openDataFolder } from './data-folder.ts'
import { runMigrations } from './migrations.ts'
import { helpText, type Options, readOptions } from './options.ts'
import { migrationsFolder } from './paths.ts'
import type { Database } from './postgres/database.ts'
import { openEmbedded } from './postgres/embedded.ts'
import { openServer } from './postgres/server.ts'
import { StartError } from './start-error.ts'

const ours = ['database-url', 'data-dir'] as const

try {
  await run()
} catch (error) {
  console.error(error instanceof StartError ? `selvedge: ${error.message}` : error)
  process.exitCode = error instanceof StartError ? error.exitCode : 1
}

async function run(): Promise<void> {
  const options = readOptions(process.argv.slice(2), process.env, ours)
  if (options === 'help') {
    process.stdout.write(helpText('npm run migrate', ours))
    return
  }
  const { database, close } = await open(options)
  try {
    const applied = await runMigrations(database, migrationsFolder)
    for (const name of applied) console.log(`applied ${name}`)
    if (applied.length === 0) console.log('nothing to apply')
  } finally {
    await close()
  }
}

async function open(
  options: Pick<Options, (typeof ours)[number]>,
): Promise<{ database: Database; close(): Promise<void> }> {
  const url = options['database-url']
  if (url) {
    const database = await openServer(url)
    return { database, close: database.close }
  }
  // The folder's lock keeps out a running server, and another run of this.
  const folder = openDataFolder(options['data-dir'])
  try {
    const database = await openEmbedded(folder.postgres)
    return {
      database,
      async close() {
        await database.close()
        folder.unlock()
      },
    }
  } catch (error) {
    folder.unlock()
    throw error
  }
}
