/**
 * `npm run move:postgres`: copies the embedded Postgres of a data folder to a server, checks the copy, and lets the
 * folder use it.
 */
import { existsSync, renameSync } from 'node:fs'
import { openDataFolder } from '../data-folder.ts'
import { postgresPart } from '../marks.ts'
import { runMigrations } from '../migrations.ts'
import { helpText, readOptions } from '../options/options.ts'
import { migrationsFolder } from '../paths.ts'
import { type CopiedTable, copyTables } from '../postgres/copy.ts'
import type { Database } from '../postgres/database.ts'
import { openEmbedded } from '../postgres/embedded.ts'
import { holdServer, openServer } from '../postgres/server.ts'
import { StartError } from '../start-error.ts'
import { readCertificates, trust } from '../tls.ts'
import { runCommand } from './command.ts'

const ours = ['data-dir', 'database-url', 'ca'] as const

await runCommand(async () => {
  const options = readOptions(process.argv.slice(2), process.env, ours)
  if (options === 'help') {
    process.stdout.write(helpText('npm run move:postgres', ours))
    return
  }
  const url = options['database-url']
  if (url === undefined)
    throw new StartError('--database-url is missing: it names the database to move to', 2)
  if (options.ca !== undefined) trust(readCertificates(options.ca))
  const folder = openDataFolder(options['data-dir'])
  if (!existsSync(folder.postgres)) {
    folder.unlock()
    throw new StartError(`${folder.postgres} is not there: this data folder has no embedded database to move`)
  }
  try {
    const tables = await move(folder.postgres, url)
    for (const { name, rows } of tables) console.log(`${name}: ${rows} rows, the same on both sides`)
    const kept = `${folder.postgres}.moved`
    renameSync(folder.postgres, kept)
    const { host, pathname } = new URL(url)
    console.log(`moved to ${host}${pathname}; the embedded database is kept as ${kept}`)
    console.log(`start with: npm start -- --data-dir ${options['data-dir']} --database-url '…'`)
  } finally {
    folder.unlock()
  }
})

/** Tables without rows do no harm: `npm run migrate` may have made them. */
async function isUsed(database: Database): Promise<boolean> {
  const where = { name: 'The target', remedy: '', whereAccountsAre: '' }
  const { mark, hasAccounts, hasSigned } = await postgresPart(database, where)
  return mark !== undefined || hasAccounts || hasSigned
}

async function move(folder: string, url: string): Promise<CopiedTable[]> {
  const release = await holdServer(url)
  try {
    const [source, target] = [await openEmbedded(folder), await openServer(url)]
    try {
      if (await isUsed(target)) {
        throw new StartError(
          `The Postgres at ${new URL(url).host} (--database-url) is not empty: name an empty database`,
        )
      }
      for (const database of [source, target]) await runMigrations(database, migrationsFolder)
      return await copyTables(source, target)
    } finally {
      await source.close()
      await target.close()
    }
  } finally {
    await release()
  }
}
