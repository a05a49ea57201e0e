/** The database that a command works on: a server named by its address, or the embedded one of a data folder. */
import { openDataFolder } from './data-folder.ts'
import type { Options } from './options.ts'
import type { Database } from './postgres/database.ts'
import { openEmbedded } from './postgres/embedded.ts'
import { openServer } from './postgres/server.ts'

export async function openDatabase(
  options: Pick<Options, 'database-url' | 'data-dir'>,
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
