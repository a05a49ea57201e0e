/** `npm run migrate`: brings a Postgres named by its address, or the embedded one of a data folder, up to date. */

import { runMigrations } from '../migrations.ts'
import { helpText, readOptions } from '../options/options.ts'
import { migrationsFolder } from '../paths.ts'
import { runCommand } from './command.ts'
import { openDatabase } from './open-database.ts'

const ours = ['database-url', 'data-dir', 'ca'] as const

await runCommand(run)

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
