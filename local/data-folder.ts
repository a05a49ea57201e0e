/** The folder that holds all of one server, and the lock that keeps a second process out of it. */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { messageOf, StartError } from './start-error.ts'

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
  /** Whether rooms or users have ever been kept here. */
  hasObjects: boolean
  unlock(): void
}

/** Makes the folder where needed and locks it. @throws StartError when another process holds it */
export function openDataFolder(path: string): DataFolder {
  const root = resolve(path)
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new StartError(`--data-dir ${root} cannot be made: ${messageOf(error)}`)
  }
  const unlock = lock(root)
  const run = join(root, 'run')
  rmSync(run, { recursive: true, force: true })
  mkdirSync(run)
  const objects = join(root, 'objects')
  return {
    path: root,
    postgres: join(root, 'postgres'),
    redis: join(root, 'redis.sqlite'),
    keys: join(root, 'keys.json'),
    objects,
    run,
    hasObjects: existsSync(objects),
    unlock,
  }
}

/** An open SQLite transaction is a lock that the system itself drops with the process, however it dies. */
function lock(root: string): () => void {
  const file = join(root, 'lock')
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(file)
    db.exec('begin exclusive')
    const held = db
    return () => held.close()
  } catch (error) {
    db?.close()
    if (/locked/.test(messageOf(error))) {
      throw new StartError(`--data-dir ${root} is in use by another Selvedge`)
    }
    throw new StartError(`--data-dir ${root} cannot be locked: ${messageOf(error)}`)
  }
}
