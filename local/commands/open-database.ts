/** The database that a command works on: a server named by its address, or the embedded one of a data folder. */
import { existsSync } from 'node:fs'
import { dataFolderAt, openDataFolder } from '../data-folder.ts'
import { serverNamed } from '../databases.ts'
import { makeKeys, readKeys } from '../keys.ts'
import { objectsPart, postgresPart } from '../marks.ts'
import { type CommandOptions, optionTable } from '../options/options.ts'
import { requireNoKeysLost, requireOwnPostgres } from '../parts.ts'
import type { Database } from '../postgres/database.ts'
import { openEmbedded } from '../postgres/embedded.ts'
import { openServer } from '../postgres/server.ts'
import { readCertificates, trust } from '../tls.ts'
import { serverNameOf } from './running-server.ts'

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
  const folder = dataFolderAt(options['data-dir'])
  const keys = existsSync(folder.keys) ? readKeys(folder.keys) : undefined
  const serverName = serverNameOf(keys, options['server-name'])
  const database = await openServer(url)
  try {
    if (keys !== undefined) {
      const postgres = await postgresPart(database, serverNamed(url, folder))
      requireOwnPostgres(keys, { objects: objectsPart(folder), postgres })
    }
  } catch (error) {
    await database.close()
    throw error
  }
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
