/** The database that a command works on: a server named by its address, or the embedded one of a data folder. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openDataFolder } from './data-folder.ts'
import { makeKeys, readKeys } from './keys.ts'
import { objectsPart, postgresPart } from './marks.ts'
import { type CommandOptions, optionTable } from './options.ts'
import { requireNoKeysLost } from './parts.ts'
import type { Database } from './postgres/database.ts'
import { openEmbedded } from './postgres/embedded.ts'
import { openServer } from './postgres/server.ts'
import { serverNameOf } from './running-server.ts'
import { readCertificates, trust } from './tls.ts'

export interface OpenDatabase {
  database: Database
  close(): Promise<void>
}

type DatabaseOptions = Partial<CommandOptions<'server-name' | 'ca'>> &
  CommandOptions<'database-url' | 'data-dir'>

/** Opens the database alone. `makesKeys`: the command begins what a start goes on with. @throws StartError */
export async function openDatabase(
  options: DatabaseOptions,
  { makesKeys = false } = {},
): Promise<OpenDatabase & { serverName: string }> {
  if (options.ca !== undefined) trust(readCertificates(options.ca))
  return options['database-url'] === undefined
    ? openFolder(options, makesKeys)
    : openAt(options['database-url'], options)
}

async function openAt(url: string, options: DatabaseOptions): Promise<OpenDatabase & { serverName: string }> {
  const file = join(options['data-dir'], 'keys.json')
  const serverName = serverNameOf(existsSync(file) ? readKeys(file) : undefined, options['server-name'])
  const database = await openServer(url)
  return { database, serverName: serverName ?? optionTable['server-name'].default, close: database.close }
}

async function openFolder(
  options: DatabaseOptions,
  makesKeys: boolean,
): Promise<OpenDatabase & { serverName: string }> {
  // The folder's lock keeps out a running server, and another run of this.
  const folder = openDataFolder(options['data-dir'])
  const closers: (() => unknown)[] = [folder.unlock]
  const close = async () => {
    for (const one of closers.reverse()) await one()
  }
  try {
    const found = readKeys(folder.keys)
    const given = serverNameOf(found, options['server-name'])
    const database = await openEmbedded(folder.postgres)
    closers.push(database.close)
    if (found === undefined && makesKeys) {
      const where = { name: 'The embedded Postgres', remedy: '', whereAccountsAre: '' }
      const postgres = await postgresPart(database, where)
      requireNoKeysLost({ objects: objectsPart(folder), postgres }, folder.keys)
    }
    const serverName = given ?? optionTable['server-name'].default
    if (found === undefined && makesKeys) makeKeys(folder.keys, serverName)
    return { database, serverName, close }
  } catch (error) {
    await close()
    throw error
  }
}
