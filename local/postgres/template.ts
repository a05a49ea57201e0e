/** An empty database cluster, made once for each version of PGlite and copied from then on: making one takes seconds. */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { projectRoot } from '../paths.ts'
import { codeOf } from '../start-error.ts'

/** Puts an empty cluster into `folder`, unless there is one. */
export async function prepareCluster(folder: string): Promise<void> {
  if (existsSync(join(folder, 'PG_VERSION'))) return
  const template = await findTemplate()
  // Without a place for templates PGlite makes the cluster itself, when it is opened.
  if (!template) return
  const copy = `${folder}.new`
  rmSync(copy, { recursive: true, force: true })
  try {
    await cp(template, copy, { recursive: true })
  } catch (error) {
    rmSync(copy, { recursive: true, force: true })
    // Another user has made it, for their own use only.
    if (codeOf(error) === 'EACCES') return
    throw error
  }
  // Postgres syncs what it writes, and takes for granted that the rest already is.
  syncFiles(copy)
  renameSync(copy, folder)
}

async function findTemplate(): Promise<string | undefined> {
  const modules = join(projectRoot, 'node_modules')
  const manifest = readFileSync(join(modules, '@electric-sql', 'pglite', 'package.json'), 'utf8')
  const { version } = JSON.parse(manifest) as { version: string }
  const cache = join(modules, '.cache', 'selvedge')
  const template = join(cache, `postgres-${version}`)
  if (existsSync(template)) return template
  const fresh = `${template}.${process.pid}`
  try {
    mkdirSync(cache, { recursive: true })
    const db = await PGlite.create(fresh)
    await db.close()
    renameSync(fresh, template)
    return template
  } catch {
    rmSync(fresh, { recursive: true, force: true })
    // Another process may have been faster.
    return existsSync(template) ? template : undefined
  }
}

/** Copies all files at once by the file system's own call, or one by one if it has none. */
function syncFiles(folder: string): void {
  if (spawnSync('sync', ['-f', folder]).status === 0) return
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = openSync(join(entry.parentPath, entry.name), 'r')
    fsyncSync(file)
    closeSync(file)
  }
}
