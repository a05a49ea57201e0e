/** The databases of a start: embedded ones or servers, each as the Worker asks it, and as a part of the whole. */
import { existsSync } from 'node:fs'
import type { DataFolder } from './data-folder.ts'
import { postgresPart, redisPart } from './marks.ts'
import { runMigrations } from './migrations.ts'
import type { Options } from './options/options.ts'
import type { Parts } from './parts.ts'
import { migrationsFolder } from './paths.ts'
import type { Database } from './postgres/database.ts'
import { openEmbedded } from './postgres/embedded.ts'
import { type SqlService, sqlEndpoint } from './postgres/endpoint.ts'
import { holdServer, openServer } from './postgres/server.ts'
import { openEmbeddedRedis, openRedisServer, type RedisBackend } from './redis/backend.ts'
import { messageOf, StartError } from './start-error.ts'

interface DatabaseOptions extends Options {
  /** A Postgres endpoint shared with other instances, migrated before. */
  sql?: SqlService
}

/** The Postgres that the options name, not migrated yet. @throws StartError */
export async function openPostgres(
  options: DatabaseOptions,
  folder: DataFolder,
  closers: (() => unknown)[],
): Promise<{
  service: SqlService
  /** Absent if tests lend one. */
  database?: Database
  part?: Parts['postgres']
  migrate: () => Promise<unknown>
}> {
  if (options.sql) return { service: options.sql, migrate: async () => {} }
  const url = options['database-url']
  if (url) closers.push(await holdServer(url))
  const database: Database = url ? await openServer(url) : await openEmbedded(folder.postgres)
  closers.push(() => database.close())
  return {
    service: sqlEndpoint(database),
    database,
    part: await postgresPart(database, url ? serverNamed(url, folder) : embeddedIn(folder)),
    migrate: () => runMigrations(database, migrationsFolder),
  }
}

/** How a Postgres is called that an address names. */
export function serverNamed(url: string, folder: Pick<DataFolder, 'postgres'>) {
  return {
    name: `The Postgres at ${new URL(url).host} (--database-url)`,
    remedy: 'name the database of this one by --database-url',
    whereAccountsAre: existsSync(folder.postgres)
      ? 'carry the embedded database over by npm run move:postgres, or start without --database-url'
      : 'name their database by --database-url',
  }
}

function embeddedIn(folder: DataFolder) {
  return {
    name: `The embedded Postgres in ${folder.postgres}`,
    remedy: 'put its own folder in its place',
    whereAccountsAre:
      'name their database by --database-url, or put back the folder postgres of this data folder',
  }
}

/** The Redis that the options name. @throws StartError */
export async function openRedis(
  options: DatabaseOptions,
  folder: DataFolder,
  closers: (() => unknown)[],
): Promise<{ backend: RedisBackend; part: Parts['redis'] }> {
  const url = options['redis-url']
  const backend = url ? await reachRedis(url) : openEmbeddedRedis(folder.redis)
  closers.push(() => backend.close())
  const where = url
    ? {
        name: `The Redis at ${new URL(url).host} (--redis-url)`,
        remedy: 'name another by --redis-url, or another database of it, such as redis://host/1',
      }
    : { name: `The embedded Redis ${folder.redis}`, remedy: 'delete this file: nothing in it must last' }
  return { backend, part: await redisPart(backend, where) }
}

async function reachRedis(url: string): Promise<RedisBackend> {
  try {
    return await openRedisServer(url)
  } catch (error) {
    throw new StartError(`Redis at ${new URL(url).host} (--redis-url) cannot be used: ${messageOf(error)}`)
  }
}
