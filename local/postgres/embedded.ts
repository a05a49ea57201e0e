/** The embedded Postgres: PGlite in a thread of its own, reached over a Unix socket by one connection. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { makePrivate } from '../data-folder.ts'
import { StartError } from '../start-error.ts'
import { type Database, openPool } from './database.ts'
import type { FromThread, ThreadData } from './embedded-thread.ts'

/**
 * Opens the database in `folder`, which the caller has locked: two processes on one folder corrupt it.
 * All clients of PGlite share one session, so the pool holds exactly one connection.
 */
export async function openEmbedded(folder: string): Promise<Database> {
  const isNew = !existsSync(join(folder, 'PG_VERSION'))
  mkdirSync(folder, { recursive: true })
  // A socket's path has room for about 100 bytes, so it cannot stand in a folder of any depth.
  const socketFolder = mkdtempSync(join(tmpdir(), 'selvedge-pg-'))
  const thread = new Worker(new URL('./embedded-thread.ts', import.meta.url), {
    workerData: { folder, socket: join(socketFolder, '.s.PGSQL.5432') } satisfies ThreadData,
    // The thread needs none of the flags of the process that starts it, such as a test runner's.
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
  try {
    await heard(thread, 'ready')
    // Whatever the process's own rights for new files are, Postgres gives a new cluster others.
    if (isNew) makePrivate(folder)
  } catch (error) {
    await thread.terminate()
    rmSync(socketFolder, { recursive: true, force: true })
    throw error
  }
  // Half of the time of a batch of the archive went into planning its statements.
  const pool = openPool(
    { host: socketFolder, user: 'postgres', database: 'postgres', max: 1, idleTimeoutMillis: 0 },
    'kept',
  )
  return {
    use: pool.use,
    async close() {
      await pool.close()
      thread.postMessage('stop')
      await ended
      rmSync(socketFolder, { recursive: true, force: true })
    },
  }
}

function heard(thread: Worker, kind: FromThread['kind']): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => reject(new StartError(`The embedded Postgres did not start: ${reason}`))
    thread.once('error', (error) => fail(error instanceof Error ? error.message : String(error)))
    thread.once('exit', (code) => fail(`its thread ended with code ${code}`))
    thread.on('message', (message: FromThread) => {
      if (message.kind === kind) resolve()
      else if (message.kind === 'failed') fail(message.reason)
    })
  })
}
