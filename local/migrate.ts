/** `npm run migrate`: brings a Postgres named by its address, or the embedded one of a data folder, up to date. */
import { runMigrations } from './migrations.ts'
import { openDatabase } from './open-database.ts'
import { helpText, readOptions } from './options.ts'
import { migrationsFolder } from './paths.ts'
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
  const { database, close } = await openDatabase(options)
  try {
    const applied = await runMigrations(database, migrationsFolder)
    for (const name of applied) console.log(`applied ${name}`)
    if (applied.length === 0) console.log('nothing to apply')
  } finally {
    await close()
  }
}
