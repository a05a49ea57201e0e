/** The thread of the embedded Postgres: runs PGlite and lends it a Unix socket until told to stop. */
import { setFlagsFromString } from 'node:v8'
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { prepareCluster } from './template.ts'

export interface ThreadData {
  folder: string
  socket: string
}

export type FromThread = { kind: 'ready' } | { kind: 'failed'; reason: string }

const { folder, socket } = workerData as ThreadData
const tell = (message: FromThread) => parentPort!.postMessage(message)

// The optimising compiler would take 100 MB and seconds of all cores at each start, and Postgres
// is no faster for it at what we ask: measured with 500-event batches and single selects.
for (const flag of ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering']) setFlagsFromString(flag)

try {
  await prepareCluster(folder)
  // PGlite's own settings take 130 MB more and do not sync what they acknowledge.
  const startParams = [...PGlite.defaultStartParams, '-c', 'shared_buffers=8MB', '-c', 'fsync=on']
  const db = await PGlite.create({ dataDir: folder, startParams, extensions: { pg_trgm } })
  const server = new PGLiteSocketServer({ db, path: socket, maxConnections: 4 })
  await server.start()
  parentPort!.once('message', async () => {
    await server.stop()
    await db.close()
    parentPort!.close()
  })
  tell({ kind: 'ready' })
} catch (error) {
  tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) })
}
