/** One whole server on this machine: Postgres, Redis, the Worker and TLS, started and stopped together. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Miniflare } from 'miniflare'
import { systemRandom } from '../src/system.ts'
import { openControl } from './backup/control.ts'
import { mediaElsewhere } from './backup/media.ts'
import { openDataFolder } from './data-folder.ts'
import { openPostgres, openRedis } from './databases.ts'
import { objectsPart } from './marks.ts'
import { checkMediaStores, storeBindings, storesToCheck } from './media-stores.ts'
import { ADDRESS_FILE, authority, claimPort } from './options/address.ts'
import type { Options } from './options/options.ts'
import { type Parts, putTogether } from './parts.ts'
import type { SqlService } from './postgres/endpoint.ts'
import type { RedisBackend } from './redis/backend.ts'
import { redisEndpoint } from './redis/endpoint.ts'
import { bundleWorkers, type Workers } from './runtime/bundle.ts'
import { watchClients } from './runtime/closed-clients.ts'
import { collectorAt } from './runtime/collector.ts'
import { type LogLevel, logHandler, teller } from './runtime/logs.ts'
import { machineGauges } from './runtime/machine.ts'
import { type Runtime, startRuntime, workerName } from './runtime/runtime.ts'
import { watchRuntime } from './runtime/runtime-watch.ts'
import { type ServiceControls, switchable } from './runtime/service.ts'
import { tellWorker, type WorkerLine } from './runtime/tell-worker.ts'
import { messageOf, StartError } from './start-error.ts'
import { listenTls, readCertificates, readTlsFiles, type TlsListener, trust } from './tls.ts'
import { tokenIssuersOf } from './token-issuers.ts'

export interface InstanceOptions extends Options {
  /** The Workers, bundled before; bundled now unless given. */
  workers?: Workers
  /** A Postgres endpoint shared with other instances, migrated and with a folder of keys of its own. */
  sql?: SqlService
  /** Further bindings, such as `TEST_HOOKS`. */
  bindings?: Record<string, string>
  /** Opens the objects' storage to tests. */
  inspect?: boolean
  /** Where log lines go, one or several at a time; the console unless told. */
  writeLog?: (lines: string) => void
}

export interface Instance {
  /** Where it listens without TLS. */
  url: string
  httpsUrl?: string
  host: string
  port: number
  mf: Miniflare
  workerName: string
  postgres: ServiceControls
  redis: ServiceControls & { flush(): Promise<void> }
  /** The process id of the Workers runtime. */
  runtimePid(): number
  /** Ends everything; may be called twice. */
  stop(): Promise<void>
}

const SECRET_LENGTH = 32

/** How often the system is asked for a port of its choice: another process may take it before the runtime does. */
const PORT_TRIES = 5

/** Starts everything and answers once requests are served. @throws StartError with a line for the operator */
export async function startInstance(options: InstanceOptions): Promise<Instance> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startOnce(options)
    } catch (error) {
      const isTaken = error instanceof StartError && error.message.includes('Address already in use')
      if (!isTaken || options.port !== '0' || tries === PORT_TRIES) throw error
    }
  }
}

async function startOnce(options: InstanceOptions): Promise<Instance> {
  const closers: (() => unknown)[] = []
  let stopping: Promise<void> | undefined
  const stop = () => {
    stopping ??= closeAll(closers)
    return stopping
  }
  try {
    return await start(options, closers, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function start(
  options: InstanceOptions,
  closers: (() => unknown)[],
  stop: () => Promise<void>,
): Promise<Instance> {
  const { host } = options
  const tls =
    options['https-port'] === undefined ? undefined : readTlsFiles(options['tls-cert']!, options['tls-key']!)
  const ca = options.ca === undefined ? [] : readCertificates(options.ca)
  if (ca.length > 0) trust(ca)
  const tokenIssuers = tokenIssuersOf(options['token-issuers'])
  const port = await claimPort(host, Number(options.port), 'port')
  const httpsPort = tls && (await claimPort(host, Number(options['https-port']), 'https-port'))
  const folder = openDataFolder(options['data-dir'])
  closers.push(folder.unlock)

  const url = `http://${authority(host, port)}`
  const httpsUrl = httpsPort === undefined ? undefined : `https://${authority(host, httpsPort)}`
  const [{ worker, thumbnails }, postgres, redis] = await settled([
    options.workers ?? bundleWorkers(),
    openPostgres(options, folder, closers),
    openRedis(options, folder, closers),
  ] as const)
  const log = options.writeLog ?? ((lines: string) => console.log(lines))
  const parts: Parts = { objects: objectsPart(folder), postgres: postgres.part, redis: redis.part }
  const { keys, mark } = await putTogether(folder.keys, options['server-name'], parts, postgres.migrate)
  const tell = teller(options['log-level'] as LogLevel, log)
  if (mark.restored) tell('warn', RESTORED)
  const line = { host, port, secret: systemRandom.token(SECRET_LENGTH) }
  const sql = switchable(postgres.service)
  const commands = switchable(redisEndpoint(redis.backend))
  const runtime: Runtime = await startRuntime({
    host,
    port,
    source: worker.source,
    thumbnails,
    bindings: {
      ...bindingsOf(options, options['public-url'] ?? httpsUrl ?? url),
      SIGNING_KEYS: JSON.stringify(keys.signing_keys),
      TOKEN_KEYS: JSON.stringify(keys.token_keys),
      TOKEN_ISSUERS: tokenIssuers,
      LAUNCHER_SECRET: line.secret,
      INSTANCE_ID: mark.id,
      GENERATION: String(mark.generation),
      ...options.bindings,
    },
    sql: sql.service,
    redis: commands.service,
    objects: folder.objects,
    run: folder.run,
    allowPrivateNetworks: options['allow-private-networks'] === 'on',
    ca,
    inspect: options.inspect ?? false,
    otlp: options['otlp-endpoint'] === undefined ? undefined : collectorAt(options['otlp-endpoint']),
    machine: ({ pid }) => machineGauges({ folder: options['data-dir'], runtimePid: pid }),
    onLog: logHandler(options['log-level'] as LogLevel, log),
  })
  closers.push(() => runtime.mf.dispose())
  closers.push(() => flushLog(line))
  closers.push(watchClients(line))
  writeAddress(folder.run, url, closers)
  await checkMediaStores(line, storesToCheck(options))
  closers.push(watchRuntime({ runtime: runtime.process, address: { host, port }, tell }))
  const databaseUrl = options['database-url']
  const embedded = databaseUrl === undefined ? postgres.database : undefined
  closers.push(
    await openControl(folder.run, {
      runtimePid: runtime.process.pid,
      embedded,
      databaseUrl,
      mediaElsewhere: mediaElsewhere(options),
    }),
  )
  if (tls) {
    const listener: TlsListener = await listenTls(tls, { host, port: httpsPort! }, line)
    closers.push(listener.close)
  }
  return {
    url,
    httpsUrl,
    host,
    port,
    mf: runtime.mf,
    workerName,
    postgres: sql.controls,
    redis: withFlush(commands.controls, redis.backend),
    runtimePid: () => runtime.process.pid()!,
    stop,
  }
}

/** Said once, since it costs every client a first sync. */
const RESTORED =
  'parts of this server are of different times, as after a restore: what clients have from before counts as unknown'

/** Where commands find the server while it runs. */
function writeAddress(folder: string, url: string, closers: (() => unknown)[]): void {
  const file = join(folder, ADDRESS_FILE)
  writeFileSync(file, JSON.stringify({ url }))
  closers.push(() => rmSync(file))
}

/** The lines that the Worker has gathered: they have come through the runtime's output a turn after its answer. */
async function flushLog(line: WorkerLine): Promise<void> {
  if (await tellWorker(line, 'flush')) await setImmediate()
}

/** What was opened last is closed first; one that fails does not keep the others open. */
async function closeAll(closers: (() => unknown)[]): Promise<void> {
  for (const close of closers.reverse()) {
    try {
      await close()
    } catch (error) {
      console.error(`While stopping: ${messageOf(error)}`)
    }
  }
}

/** As `Promise.all`, but waits for all before it fails, so that what was opened is known and can be closed. */
async function settled<T extends readonly unknown[]>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const results = await Promise.allSettled(work)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
  return Promise.all(work) as Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>
}

/** The settings that options stand for. */
export function bindingsOf(options: Options, publicUrl: string): Record<string, string> {
  return {
    // The drivers insist on addresses; with the service bindings nothing is sent to them.
    DATABASE_URL: 'postgresql://local:local@postgres.internal/selvedge',
    UPSTASH_REDIS_REST_URL: 'http://redis.internal',
    UPSTASH_REDIS_REST_TOKEN: 'local',
    SERVER_NAME: options['server-name'],
    PUBLIC_URL: publicUrl,
    // Nothing is billed for waking it.
    HEALTH_POSTGRES_MS: '0',
    // All objects share one thread: more at once would only make the rest wait.
    ROOMS_ASKED_AT_ONCE: '32',
    REGISTRATION: options.registration,
    REGISTRATION_SHARED_SECRET: options['registration-shared-secret'] ?? '',
    SESSION_CACHE: options['session-cache'],
    RATE_LIMITS: options['rate-limits'],
    PRESENCE: options.presence,
    PRESENCE_TIMEOUT_MS: options['presence-timeout-ms'],
    DEMO: options.demo,
    EVENT_STREAM: options['event-stream'],
    EVENT_STREAM_RETENTION_MS: options['event-stream-retention-ms'],
    EVENT_STREAM_RETENTION_BYTES: options['event-stream-retention-bytes'],
    STREAM_ORIGINS: options['stream-origins'] ?? '',
    ERASURE: options.erasure,
    GUESTS: options.guests,
    MAX_UPLOAD_BYTES: options['max-upload-bytes'],
    MAX_MEDIA_BYTES_PER_USER: options['max-media-bytes-per-user'],
    MAX_PREVIEW_BYTES_PER_USER: options['max-preview-bytes-per-user'],
    MAX_PREVIEW_BYTES: options['max-preview-bytes'],
    MAX_ACCOUNT_DATA_BYTES_PER_USER: options['max-account-data-bytes-per-user'],
    MAX_KEY_BACKUP_BYTES_PER_USER: options['max-key-backup-bytes-per-user'],
    MAX_FILTERS_PER_USER: options['max-filters-per-user'],
    MAX_DEVICES_PER_USER: options['max-devices-per-user'],
    MAX_ALIASES_PER_USER: options['max-aliases-per-user'],
    MAX_ROOMS_PER_USER: options['max-rooms-per-user'],
    ...storeBindings(options),
    URL_PREVIEWS: options['url-previews'],
    OPEN_MEDIA: options['open-media'],
    ACCESS_TOKEN_LIFETIME_MS: options['access-token-lifetime-ms'],
    TURN_URIS: options['turn-uri'] ?? '',
    TURN_SECRET: options['turn-secret'] ?? '',
    FEDERATION: options.federation,
    KEY_NOTARIES: options['key-notaries'],
    DEFAULT_ROOM_VERSION: options['default-room-version'],
    PASSWORD_MIN_LENGTH: options['password-min-length'] ?? '',
    PASSWORD_COST: options['password-cost'],
    OTEL_EXPORTER_OTLP_ENDPOINT: options['otlp-endpoint'] ?? '',
    OTEL_EXPORTER_OTLP_HEADERS: options['otlp-headers'] ?? '',
    TRACE_SAMPLE: options['trace-sample'],
    METRICS_TOKEN: options['metrics-token'] ?? '',
    LOG_LEVEL: options['log-level'],
    LOG_SAMPLE: options['log-sample'],
    CLIENT_ADDRESS_HEADER: options['client-address-header'] ?? '',
    BODY_TIMEOUT_MS: options['body-timeout-ms'],
    ARCHIVE_DELAY_MS: options['archive-delay-ms'],
    ALLOW_PRIVATE_NETWORKS: options['allow-private-networks'],
  }
}

function withFlush(
  controls: ServiceControls,
  redis: RedisBackend,
): ServiceControls & { flush(): Promise<void> } {
  return {
    get calls() {
      return controls.calls
    },
    stop: controls.stop,
    start: controls.start,
    delay: controls.delay,
    lose: controls.lose,
    flush: () => redis.flush(),
  }
}
