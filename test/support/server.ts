/** A whole server for one test file: its own Worker, objects, Redis and Postgres schema. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import type { InstanceOptions } from '../../local/instance.ts'
import { type Instance, startInstance } from '../../local/instance.ts'
import type { Workers } from '../../local/runtime/bundle.ts'
import { archiveDifferences } from './archive/check.ts'
import type { UnlikeArchive } from './archive/rows.ts'
import { betweenRequests } from './between-requests.ts'
import { borrowSchema } from './borrow-schema.ts'
import { eventually } from './eventually.ts'
import { storeOptions } from './media/stores.ts'
import type { ObjectKind, TestServer } from './test-server.ts'

export { type ObjectKind, objectName, type TestServer } from './test-server.ts'

export interface TestServerOptions extends Partial<InstanceOptions> {
  /** Why no evictions come by themselves and the archive is quick even in `npm run test:evicting`. */
  staysAwake?: string
  /** Where the archive is not what the objects have when the file ends, and why; elsewhere that fails the file. */
  unlikeArchive?: UnlikeArchive
  /** The source of another Worker in the homeserver's place. */
  source?: string
  bindings?: Record<string, string>
}

const classNames: Record<ObjectKind, string> = {
  ROOM: 'Room',
  USER: 'User',
  PARTITION: 'Partition',
  DESTINATION: 'Destination',
}

/** Whether each object is taken out of memory at every quiet moment, and the archive is late. */
const evicting = process.env.TEST_EVICTING === 'on'

/** Starts a server made for tests: cheap passwords, no rate limits, hooks open, a quick archive, quiet. */
export async function startServer({
  staysAwake,
  unlikeArchive,
  ...overrides
}: TestServerOptions = {}): Promise<TestServer> {
  const evicts = evicting && staysAwake === undefined && overrides.source === undefined
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-server-'))
  const schema = await borrowSchema()
  const options = {
    host: '127.0.0.1',
    port: '0',
    'server-name': 'test.example',
    'public-url': undefined,
    'data-dir': folder,
    'https-port': undefined,
    'tls-cert': undefined,
    'tls-key': undefined,
    ca: undefined,
    registration: 'open',
    'allow-open-registration': 'no',
    'registration-shared-secret': undefined,
    'session-cache': 'object',
    'rate-limits': 'off',
    presence: 'on',
    'presence-timeout-ms': '300000',
    demo: 'off',
    'stream-origins': undefined,
    'event-stream': 'off',
    'event-stream-retention-ms': '604800000',
    'event-stream-retention-bytes': '268435456',
    erasure: 'new-members',
    guests: 'off',
    'max-upload-bytes': '52428800',
    'max-media-bytes-per-user': '0',
    'max-preview-bytes-per-user': '0',
    'max-preview-bytes': '0',
    'max-account-data-bytes-per-user': '16777216',
    'max-key-backup-bytes-per-user': '268435456',
    'max-filters-per-user': '1000',
    'max-devices-per-user': '1000',
    'max-aliases-per-user': '1000',
    'max-rooms-per-user': '10000',
    'media-store': 'r2',
    's3-endpoint': undefined,
    's3-bucket': undefined,
    's3-region': 'us-east-1',
    's3-access-key-id': undefined,
    's3-secret-access-key': undefined,
    's3-path-style': 'on',
    'ipfs-api': undefined,
    'ipfs-api-secret': undefined,
    'url-previews': 'on',
    'open-media': 'off',
    'access-token-lifetime-ms': '3600000',
    'token-issuers': undefined,
    'turn-uri': undefined,
    'turn-secret': undefined,
    'allow-private-networks': 'off',
    federation: 'off',
    'key-notaries': 'none',
    'default-room-version': '12',
    'password-min-length': undefined,
    'password-cost': 'low',
    'metrics-token': undefined,
    'otlp-endpoint': undefined,
    'otlp-headers': undefined,
    'trace-sample': '0.01',
    'log-level': 'silent',
    'log-sample': '1',
    'client-address-header': undefined,
    'body-timeout-ms': '30000',
    'database-url': undefined,
    'redis-url': undefined,
    'archive-delay-ms': evicts ? '6000' : '50',
    ...(await storeOptions()),
    sql: schema.service,
    inspect: true,
    ...overrides,
    workers: bundledWorkers(overrides.source),
    bindings: { TEST_HOOKS: 'on', ...overrides.bindings },
  }
  let instance = await startInstance(options)
  const sql: TestServer['sql'] = async (kind, name, query) => {
    const { mf, workerName } = instance
    const storage = await mf.unsafeGetDurableObjectStorage(workerName, classNames[kind], { name })
    return storage.exec(query)
  }
  const unregister = evicts ? evictBetweenRequests(instance) : () => {}
  const server: TestServer = {
    url: instance.url,
    serverName: overrides['server-name'] ?? 'test.example',
    folder: overrides['data-dir'] ?? folder,
    get instance() {
      return instance
    },
    options,
    get postgres() {
      return instance.postgres
    },
    get redis() {
      return instance.redis
    },
    restart: () => killRuntime(instance),
    async restartWith(changes) {
      const port = String(instance.port)
      await instance.stop()
      Object.assign(options, changes)
      instance = await startInstance({ ...options, port })
    },
    async stop() {
      unregister()
      const isOurs = overrides.source === undefined
      const passed = isOurs ? await passedLimits(instance.url) : []
      const differences = isOurs ? await archiveDifferences(server, unlikeArchive) : []
      await instance.stop()
      await schema.giveBack()
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
      if (passed.length > 0) throw new Error(`The platform's limits were passed: ${passed.join(', ')}`)
      if (differences.length > 0)
        throw new Error(`The archive differs:\n${differences.slice(0, 5).join('\n')}`)
    },
    async evict(kind, name) {
      // An eviction that meets an alarm, or a flush of the archive, takes 15 s.
      for (let tries = 0; tries < 15 && (await isBusy(instance.url, name)); tries += 1);
      const { mf, workerName } = instance
      await mf.unsafeEvictDurableObject(workerName, classNames[kind], { name }).catch((error: Error) => {
        // An object that has left the memory by itself is where it should be.
        if (!error.message.includes('not currently running')) throw error
      })
    },
    sql,
    pg: schema.query,
  }
  return server
}

/** Before each request of the tests' client, unless another one is under way, what is idle leaves the memory. */
function evictBetweenRequests({ mf, url, workerName }: Instance): () => void {
  const evict = async (name: string) => {
    const kind = (name.split('/')[1] ?? '').toUpperCase() as ObjectKind
    // An object that has left the memory by itself cannot be evicted.
    await mf.unsafeEvictDurableObject(workerName, classNames[kind], { name }).catch(() => {})
  }
  return betweenRequests(url, async () => {
    await Promise.all((await objectsInMemory(url)).idle.map(evict))
  })
}

/** The names of the objects that were called since this was last asked; waits a little for all to be idle. */
async function objectsInMemory(url: string): Promise<{ idle: string[]; busy: string[] }> {
  const answer = await fetch(`${url}/_selvedge/test/in-memory`, { method: 'POST' }).catch(() => undefined)
  return answer?.ok ? ((await answer.json()) as { idle: string[]; busy: string[] }) : { idle: [], busy: [] }
}

async function isBusy(url: string, name: string): Promise<boolean> {
  return (await objectsInMemory(url)).busy.includes(name)
}

function bundledWorkers(source: string | undefined): Workers {
  const workers = inject('workers')
  if ('error' in workers) throw new Error(workers.error)
  return source === undefined ? workers : { ...workers, worker: { source, modules: [] } }
}

/** Breaches of `src/limiter.ts` since the runtime started: whoever swallowed their errors, the file fails. */
async function passedLimits(url: string): Promise<string[]> {
  const answer = await fetch(`${url}/_selvedge/test/passed-limits`).catch(() => undefined)
  // A server that the test ended, or started without the hooks, has nothing to tell.
  return answer?.ok ? ((await answer.json()) as string[]) : []
}

async function killRuntime(instance: Instance): Promise<void> {
  const killed = instance.runtimePid()
  process.kill(killed, 'SIGKILL')
  const isBack = async () => instance.runtimePid() !== killed && (await answers(instance.url))
  await eventually(isBack, (is) => is, 20_000)
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(`${url}/health`)).body?.cancel()
    return true
  } catch {
    return false
  }
}
