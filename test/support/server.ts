/** A whole server for one test file: its own Worker, objects, Redis and Postgres schema. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inject } from 'vitest'
import type { Workers } from '../../local/bundle.ts'
import { type Instance, type InstanceOptions, startInstance } from '../../local/instance.ts'
import { borrowSchema } from './borrow-schema.ts'

export type ObjectKind = 'ROOM' | 'USER'

export interface TestServer {
  readonly url: string
  readonly serverName: string
  /** Its data folder. */
  readonly folder: string
  readonly instance: Instance
  readonly postgres: Instance['postgres']
  readonly redis: Instance['redis']
  /** Kills the runtime as `kill -9` does and waits until it serves again, on the same data and port. */
  restart(): Promise<void>
  stop(): Promise<void>
  /** Takes an object out of memory, as the platform does at will. */
  evict(kind: ObjectKind, name: string): Promise<void>
  /** Rows of a query inside an object's own SQLite. */
  sql(kind: ObjectKind, name: string, query: string): Promise<Record<string, unknown>[]>
  /** Rows of a query on this server's Postgres, which it answers even while the Worker finds it stopped. */
  pg(query: string, params?: unknown[]): Promise<Record<string, unknown>[]>
}

export interface TestServerOptions extends Partial<InstanceOptions> {
  /** The source of another Worker in the homeserver's place. */
  source?: string
  bindings?: Record<string, string>
}

/** Object names, as `durable-objects/stubs.ts` makes them. */
export const objectName = {
  room: (serverName: string, roomId: string) => `${serverName}/room/${roomId}`,
  user: (serverName: string, userId: string) => `${serverName}/user/${userId}`,
}

/** Finds something where an object has changes that the archive does not know. */
const UNTOLD = 'SELECT 1 FROM log LIMIT 1'

const classNames: Record<ObjectKind, string> = { ROOM: 'Room', USER: 'User' }

/** Starts a server made for tests: cheap passwords, no rate limits, hooks open, a quick archive, quiet. */
export async function startServer(overrides: TestServerOptions = {}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-server-'))
  const schema = await borrowSchema()
  const instance = await startInstance({
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
    'registration-shared-secret': undefined,
    'rate-limits': 'off',
    presence: 'on',
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
    'url-previews': 'on',
    'open-media': 'off',
    'access-token-lifetime-ms': '3600000',
    'turn-uri': undefined,
    'turn-secret': undefined,
    'allow-private-networks': 'off',
    'default-room-version': '12',
    'password-min-length': undefined,
    'password-cost': 'low',
    'log-level': 'silent',
    'client-address-header': undefined,
    'body-timeout-ms': '30000',
    'database-url': undefined,
    'redis-url': undefined,
    'archive-delay-ms': '50',
    sql: schema.service,
    inspect: true,
    ...overrides,
    workers: bundledWorkers(overrides.source),
    bindings: { TEST_HOOKS: 'on', ...overrides.bindings },
  })
  const { mf, workerName } = instance
  const sql: TestServer['sql'] = async (kind, name, query) => {
    const storage = await mf.unsafeGetDurableObjectStorage(workerName, classNames[kind], { name })
    return storage.exec(query)
  }
  // Some tests take an object's tables away before they evict it.
  const untold = (kind: ObjectKind, name: string): Promise<boolean> =>
    sql(kind, name, UNTOLD).then(
      (rows) => rows.length > 0,
      () => false,
    )
  return {
    url: instance.url,
    serverName: overrides['server-name'] ?? 'test.example',
    folder,
    instance,
    postgres: instance.postgres,
    redis: instance.redis,
    restart: () => killRuntime(instance),
    async stop() {
      const passed = overrides.source === undefined ? await passedLimits(instance.url) : []
      await instance.stop()
      await schema.giveBack()
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
      if (passed.length > 0) throw new Error(`The platform's limits were passed: ${passed.join(', ')}`)
    },
    async evict(kind, name) {
      // While an object waits for somebody, such as the archive, the eviction waits too, and can then hang.
      for (let tries = 0; tries < 100 && (await untold(kind, name)); tries += 1) await sleep(50)
      await mf.unsafeEvictDurableObject(workerName, classNames[kind], { name })
    },
    sql,
    pg: schema.query,
  }
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
  const deadline = Date.now() + 20_000
  for (;;) {
    if (instance.runtimePid() !== killed && (await answers(instance.url))) return
    if (Date.now() > deadline) throw new Error('the runtime did not come back')
    await sleep(10)
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(`${url}/health`)).body?.cancel()
    return true
  } catch {
    return false
  }
}
