/** Puts a backup back: into an empty data folder and, if it holds rows, an empty database. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { type DataFolder, makePrivate } from '../data-folder.ts'
import { raiseGeneration } from '../generation.ts'
import { postgresPart } from '../marks.ts'
import { runMigrations } from '../migrations.ts'
import { migrationsFolder } from '../paths.ts'
import type { Database } from '../postgres/database.ts'
import { openEmbedded } from '../postgres/embedded.ts'
import { holdServer, openServer } from '../postgres/server.ts'
import { StartError } from '../start-error.ts'
import { DATA, type Manifest, ROWS, readManifest, verify } from './manifest.ts'
import { isPacked, unpack } from './pack.ts'
import { loadRows } from './rows.ts'

/** What a folder may hold that nobody has used: its lock, and what an interrupted restore has left. */
const OF_NOBODY = /^(run|lock|lock-journal|restoring)$/

/** @throws StartError where there is something in the folder that a restore would cover */
export function requireUnused(path: string): void {
  if (!existsSync(path)) return
  const [found] = readdirSync(path).filter((name) => !OF_NOBODY.test(name))
  if (found === undefined) return
  throw new StartError(`${path} is not empty (${found}): restore into a new folder, or move this one away`)
}

/**
 * Restores a backup into a locked, unused folder. Nothing of it stands in its place before all of it was compared with
 * its hashes; `keys.json`, without which no server starts, comes last.
 * @throws StartError where the backup is damaged, or does not fit what was named
 */
export async function putBack(from: string, folder: DataFolder, databaseUrl?: string): Promise<Manifest> {
  if (!existsSync(from)) throw new StartError(`--from ${from} is not there`)
  const staging = join(folder.path, 'restoring')
  rmSync(staging, { recursive: true, force: true })
  mkdirSync(staging, { mode: 0o700 })
  try {
    await stage(from, staging)
    const manifest = await readManifest(staging)
    await verify(staging, manifest)
    for (const path of manifest.folders) mkdirSync(join(staging, path), { recursive: true })
    await raiseGeneration(stagedParts(staging))
    await restorePostgres(manifest, staging, databaseUrl)
    activate(join(staging, DATA), folder.path)
    makePrivate(folder.path)
    return manifest
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

async function stage(from: string, staging: string): Promise<void> {
  if (statSync(from).isDirectory()) await cp(from, staging, { recursive: true })
  else if (isPacked(from)) await unpack(from, staging)
  else throw new StartError(`--from ${from} is neither a folder nor a file that ends in .tar.gz`)
}

const stagedParts = (staging: string) => ({
  keys: join(staging, DATA, 'keys.json'),
  objects: join(staging, DATA, 'objects'),
})

/** Rows go into the database that is named, or else into an embedded one. */
async function restorePostgres(
  { tables, migrations = [] }: Manifest,
  staging: string,
  url: string | undefined,
): Promise<void> {
  if (tables === undefined) {
    if (url === undefined) return
    throw new StartError(
      'this backup has its Postgres in the data folder: restore it without --database-url, then npm run move:postgres',
    )
  }
  const release = url === undefined ? undefined : await holdServer(url)
  try {
    const database =
      url === undefined ? await openEmbedded(join(staging, DATA, 'postgres')) : await openServer(url)
    try {
      await requireEmpty(database, url)
      // Later ones run at the start, since they may mend rows.
      await runMigrations(database, migrationsFolder, migrations)
      await loadRows(database, join(staging, ROWS), tables)
    } finally {
      await database.close()
    }
  } finally {
    await release?.()
  }
}

async function requireEmpty(database: Database, url: string | undefined): Promise<void> {
  const { mark, hasAccounts, hasSigned } = await postgresPart(database, EMPTY)
  if (mark === undefined && !hasAccounts && !hasSigned) return
  const name =
    url === undefined ? 'The embedded Postgres' : `The Postgres at ${new URL(url).host} (--database-url)`
  throw new StartError(`${name} is not empty: name an empty database`)
}

const EMPTY = { name: 'The target', remedy: '', whereAccountsAre: '' }

function activate(staged: string, folder: string): void {
  const names = readdirSync(staged).sort((a, b) => Number(a === 'keys.json') - Number(b === 'keys.json'))
  for (const name of names) renameSync(join(staged, name), join(folder, name))
}
