/** The folder that holds all of one server, and the lock that keeps a second process out of it. */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isMainThread } from 'node:worker_threads'
import { messageOf, StartError } from './start-error.ts'

/** The rights of everybody but the owner. */
const OTHERS = 0o077

export interface DataFolder {
  path: string
  /** Embedded Postgres. */
  postgres: string
  /** Embedded Redis. */
  redis: string
  keys: string
  /** Durable Objects and R2, as the runtime keeps them. */
  objects: string
  /** What may be deleted at any start. */
  run: string
  unlock(): void
}

/** Makes the folder where needed and locks it. @throws StartError when another process holds it */
export function openDataFolder(path: string): DataFolder {
  const root = resolve(path)
  // What Postgres, SQLite and the runtime write, they would let everybody read.
  if (isMainThread) process.umask(OTHERS)
  try {
    makeFolder(root)
  } catch (error) {
    throw new StartError(`--data-dir ${root} cannot be made: ${messageOf(error)}`)
  }
  const unlock = lockFolder(root, `--data-dir ${root} is in use by another Selvedge`)
  const run = join(root, 'run')
  try {
    makePrivate(root)
    rmSync(run, { recursive: true, force: true })
    mkdirSync(run)
  } catch (error) {
    unlock()
    throw new StartError(`--data-dir ${root} cannot be used: ${messageOf(error)}`)
  }
  return { ...dataFolderAt(root), unlock }
}

/** Where things are in a folder, which is neither made nor locked. */
export function dataFolderAt(path: string): Omit<DataFolder, 'unlock'> {
  const root = resolve(path)
  return {
    path: root,
    postgres: join(root, 'postgres'),
    redis: join(root, 'redis.sqlite'),
    keys: join(root, 'keys.json'),
    objects: join(root, 'objects'),
    run: join(root, 'run'),
  }
}

/** One folder after the other: Node's own `recursive` never ends below /proc, where nothing can be made. */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

/**
 * An open SQLite transaction is a lock that the system itself drops with the process, however it dies. Answers what ends it.
 * @throws StartError saying `inUse` when another process holds it
 */
export function lockFolder(root: string, inUse: string): () => void {
  const file = join(root, 'lock')
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(file)
    db.exec('begin exclusive')
    const held = db
    return () => held.close()
  } catch (error) {
    db?.close()
    if (/locked/.test(messageOf(error))) throw new StartError(inUse)
    throw new StartError(`${root} cannot be locked: ${messageOf(error)}`)
  }
}

/**
 * Takes the rights of others away from what an earlier version has written. What stands at the top tells whether the
 * rest was done, and is mended last: a folder of many rooms is not walked at each start.
 */
export function makePrivate(root: string): void {
  const isOpen = (path: string) => (statSync(path).mode & OTHERS) !== 0
  const close = (path: string) => chmodSync(path, statSync(path).mode & 0o700)
  const top = readdirSync(root)
    .map((name) => join(root, name))
    .filter(isOpen)
  if (top.length > 0) {
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      if (entry.isFile() || entry.isDirectory()) close(join(entry.parentPath, entry.name))
    }
    for (const path of top) close(path)
  }
  if (isOpen(root)) close(root)
}
