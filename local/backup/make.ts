/** Makes a backup of a data folder and the Postgres beside it, as they were at one moment, while the server runs. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { dataFolderAt, openDataFolder } from '../data-folder.ts'
import { readKeys } from '../keys.ts'
import type { CommandOptions } from '../options/options.ts'
import type { Connection } from '../postgres/database.ts'
import { openServer } from '../postgres/server.ts'
import { StartError } from '../start-error.ts'
import { DATA, type Manifest, ROWS, writeManifest } from './manifest.ts'
import { type Elsewhere, mediaElsewhere, type StoreOptions } from './media.ts'
import { dumpRows, fixMoment } from './rows.ts'
import { type RunningControl, runningControl } from './still.ts'
import { type Pass, type TreeCopy, treeCopy } from './tree-copy.ts'

/** A pass that copies less than this ends the passes beside the running server. */
const LITTLE_BYTES = 16 * 1024 * 1024
const MOST_PASSES = 4

/**
 * What is no part of a backup: what belongs to the process, and what nobody reads after a restore. Redis' keys begin with
 * the generation, which a restore raises. SQLite makes its shared memory anew.
 */
const LEFT = [
  /^run(\/|$)/,
  /^lock(-|$)/,
  /^redis\.sqlite/,
  /^postgres\.moved(\/|$)/,
  /^restoring(\/|$)/,
  /\.sqlite-shm$/,
]

export interface Made {
  manifest: Manifest
  /** What was copied while the server ran, and while it stood still. */
  beside: Pass
  still: Pass
  /** How long the server stood still, ms; undefined if none ran. */
  stoodStillMs?: number
}

/** @param options for a server that does not run: a running one knows its database and stores itself */
export async function makeBackup(
  to: string,
  options: CommandOptions<'data-dir' | 'database-url'> & StoreOptions,
): Promise<Made> {
  const folder = dataFolderAt(options['data-dir'])
  if (readKeys(folder.keys) === undefined) throw new StartError(`${folder.path} holds no server to back up`)
  const control = await runningControl(folder.run)
  // The lock keeps out a server that would start meanwhile.
  const locked = control === undefined ? openDataFolder(folder.path) : undefined
  const elsewhere = control === undefined ? mediaElsewhere(options) : control.mediaElsewhere
  const source: Source = { control, from: folder.path, to, elsewhere }
  const url = control === undefined ? options['database-url'] : control.databaseUrl
  try {
    return await (url === undefined ? embedded(source) : withServer(source, url))
  } finally {
    locked?.unlock()
  }
}

interface Source {
  control: RunningControl | undefined
  from: string
  to: string
  elsewhere: Elsewhere[]
}

async function embedded(source: Source): Promise<Made> {
  const copied = await copyAll(source, false, async () => {})
  return { ...copied, manifest: await manifestOf(source, {}) }
}

/** The snapshot is taken while the server stands still; its rows are read when it runs again. */
async function withServer(source: Source, url: string): Promise<Made> {
  const database = await openServer(url)
  try {
    return await database.use(async (connection: Connection) => {
      const copied = await copyAll(source, true, () => fixMoment(connection))
      const facts = await dumpRows(connection, join(source.to, ROWS))
      return { ...copied, manifest: await manifestOf(source, facts) }
    })
  } finally {
    await database.close()
  }
}

async function copyAll(
  { control, from, to }: Source,
  leavesPostgres: boolean,
  atThatMoment: () => Promise<void>,
): Promise<Omit<Made, 'manifest'>> {
  const left = leavesPostgres ? [...LEFT, /^postgres(\/|$)/] : LEFT
  const tree = treeCopy(from, join(to, DATA), (path) => left.some((pattern) => pattern.test(path)))
  await mkdir(join(to, DATA), { recursive: true })
  const beside = control === undefined ? { files: 0, bytes: 0 } : await passesBeside(tree)
  let still: Pass = { files: 0, bytes: 0 }
  const last = async () => {
    await atThatMoment()
    still = await tree.pass()
  }
  if (control === undefined) {
    await last()
    return { beside, still }
  }
  const started = Date.now()
  await control.whileStill(last)
  return { beside, still, stoodStillMs: Date.now() - started }
}

/** Again for as long as there is much that has changed, so that little is left for the time in which nothing moves. */
async function passesBeside(tree: TreeCopy): Promise<Pass> {
  const all = { files: 0, bytes: 0 }
  for (let passes = 0; passes < MOST_PASSES; passes += 1) {
    const { files, bytes } = await tree.pass()
    all.files += files
    all.bytes += bytes
    if (bytes < LITTLE_BYTES) break
  }
  return all
}

async function manifestOf(
  { to, elsewhere }: Source,
  facts: Pick<Manifest, 'migrations' | 'tables'>,
): Promise<Manifest> {
  const keys = readKeys(join(to, DATA, 'keys.json'))
  if (keys?.instance_id === undefined)
    throw new StartError('this data folder was never started: there is nothing to back up')
  return writeManifest(to, {
    made_at: new Date().toISOString(),
    server_name: keys.server_name,
    instance_id: keys.instance_id,
    ...facts,
    ...(elsewhere.length > 0 && { media_elsewhere: elsewhere }),
  })
}
