/** Puts the outside world together from the Worker's bindings: the only importer of the storage adapters. */
import { rememberingAccounts } from './accounts/known-users.ts'
import { keySetReader, keySets, READ_MS } from './accounts/tokens/key-sets.ts'
import { countCalls } from './calls.ts'
import { readConfig } from './config.ts'
import type { Env } from './env.ts'
import { takeFault } from './faults.ts'
import { federationClient } from './federation/client.ts'
import { discovery } from './federation/discovery.ts'
import { keyRing } from './federation/key-ring.ts'
import { countService, limitedFetch } from './limiter.ts'
import { createLogger, toConsole, toConsoleTogether } from './log.ts'
import { webClient } from './media/web-reader.ts'
import { analyticsEngine } from './metrics/analytics.ts'
import { watchBacklogs } from './metrics/backlogs.ts'
import { countedMedia, countedPushes } from './metrics/counted.ts'
import { callMetrics } from './metrics/from-calls.ts'
import { Registry } from './metrics/registry.ts'
import { rememberSlowCalls } from './metrics/slow-calls.ts'
import { placementCheck } from './placement.ts'
import type { Config } from './ports/config.ts'
import type { GatheredMetrics } from './ports/metrics.ts'
import type { Ports } from './ports/ports.ts'
import type { SpanSink } from './ports/traces.ts'
import { pushGateway } from './push/gateway.ts'
import { searchDocument } from './search/document.ts'
import { withDeadline } from './storage/deadline.ts'
import { bucketMedia } from './storage/media/media.ts'
import { mediaMover } from './storage/media/move.ts'
import { chosenBucket, mediaBuckets } from './storage/media/stores.ts'
import { postgresAccounts } from './storage/postgres/accounts.ts'
import { postgresAliases } from './storage/postgres/aliases.ts'
import { postgresArchive } from './storage/postgres/archive.ts'
import { postgresArchiveReader } from './storage/postgres/archive-reader.ts'
import { type PostgresTarget, postgres } from './storage/postgres/client.ts'
import { postgresDirectory } from './storage/postgres/directory.ts'
import { mediaInSum, postgresFacts, postgresTables } from './storage/postgres/facts.ts'
import { postgresMedia } from './storage/postgres/media.ts'
import { postgresPlacement } from './storage/postgres/placement.ts'
import { postgresPreviewPictures } from './storage/postgres/preview-pictures.ts'
import { postgresRegistrationTokens } from './storage/postgres/registration-tokens.ts'
import { postgresReports } from './storage/postgres/reports.ts'
import { postgresSearch } from './storage/postgres/search.ts'
import { postgresServerKeys } from './storage/postgres/server-keys.ts'
import { type RedisTarget, redis } from './storage/redis/client.ts'
import { redisFacts, redisKeyKinds, redisProbe } from './storage/redis/facts.ts'
import { redisHealth } from './storage/redis/health.ts'
import { redisNonces } from './storage/redis/nonces.ts'
import { redisOpenIdTokens } from './storage/redis/openid.ts'
import { redisPlacement } from './storage/redis/placement.ts'
import { redisPreviews } from './storage/redis/previews.ts'
import { redisRateLimiter } from './storage/redis/rate-limit.ts'
import { redisRendezvous } from './storage/redis/rendezvous.ts'
import { redisRoomNotes } from './storage/redis/room-notes.ts'
import { noSessionCopies, redisSessions } from './storage/redis/sessions.ts'
import { redisUia } from './storage/redis/uia.ts'
import { thumbnailWorker } from './storage/thumbnail-worker.ts'
import { systemClock, systemRandom } from './system.ts'
import { otlpExporter } from './tracing/exporter.ts'
import { tracedFetch } from './tracing/trace.ts'
import { VERSION } from './version.ts'

/** How long a push gateway may take, ms. */
const PUSH_TIMEOUT_MS = 10_000

const made = new WeakMap<Env, Ports>()

/** The ports over these bindings: made at the first call, the same ones afterwards. */
export function portsOf(env: Env): Ports {
  const known = made.get(env)
  if (known !== undefined) return known
  const ports = createPorts(env)
  made.set(env, ports)
  return ports
}

/** Opens no connection: both databases are spoken to over HTTP, a request at a time. */
function createPorts(env: Env): Ports {
  const config = readConfig(env)
  const clock = systemClock
  const isLocal = env.LAUNCHER_SECRET !== undefined
  const log = createLogger(config.logLevel, clock, isLocal ? toConsoleTogether : toConsole)
  const metrics = new Registry()
  const slowCalls = rememberSlowCalls(clock)
  const counted = callMetrics(metrics)
  const calls = countCalls((operation, count) => {
    counted(operation, count)
    if (config.logLevel === 'debug') log.debug('call', { operation, count })
  })
  const watched = { calls, log, clock, metrics, slowCalls }
  const sql = postgres(postgresOf(env), { ...watched, instanceId: config.instanceId })
  const commands = redis(redisOf(env), { ...watched, prefix: prefixOf(config) })
  const buckets = mediaBuckets({ config, r2: env.MEDIA, send: sendToStores(env), sql, calls, clock, log })
  const others = federationClient({
    send: limitedFetch('federation', fetch),
    deadline: withDeadline,
    discovery: discovery({
      send: limitedFetch('well-known', fetch),
      deadline: withDeadline,
      clock,
      privateAllowed: config.allowPrivateNetworks,
    }),
    config,
    metrics,
  })
  return {
    federation: others,
    keyRing: keyRing({ store: postgresServerKeys(sql), client: others, clock, config }),
    config,
    clock,
    random: systemRandom,
    log,
    calls,
    metrics,
    gathered: gathered(env, config, metrics),
    backlogs: watchBacklogs(metrics, clock),
    slowCalls,
    traces: tracesOf(env, { config, log, metrics }),
    storeFacts: {
      redis: () => redisFacts(commands),
      keyKinds: () => redisKeyKinds(commands, prefixOf(config)),
      probe: (many) => redisProbe(commands, many),
      postgres: () => postgresFacts(sql),
      tables: () => postgresTables(sql),
      media: () => mediaInSum(sql),
    },
    accounts: rememberingAccounts(postgresAccounts(sql), config.serverName),
    registrationTokens: postgresRegistrationTokens(sql),
    aliases: postgresAliases(sql),
    directory: postgresDirectory(sql),
    search: postgresSearch(sql),
    reports: postgresReports(sql),
    archive: postgresArchive(sql, clock, searchDocument),
    archiveReader: postgresArchiveReader(sql),
    sessions: config.sessionCache === 'redis' ? redisSessions(commands, clock) : noSessionCopies,
    uia: redisUia(commands),
    keySets: keySets(
      keySetReader(limitedFetch('key set', fetch), (work) => withDeadline(READ_MS, work)),
      clock,
    ),
    nonces: redisNonces(commands),
    roomNotes: redisRoomNotes(commands),
    openIdTokens: redisOpenIdTokens(commands),
    rendezvous: redisRendezvous(commands, clock),
    limiter: redisRateLimiter(commands, clock),
    media: countedMedia(bucketMedia(chosenBucket(config, buckets)), metrics),
    mediaBuckets: buckets,
    mediaMover: mediaMover(config.mediaStore, buckets, clock),
    mediaIndex: postgresMedia(sql),
    previewPictures: postgresPreviewPictures(sql),
    web: webClient(limitedFetch('web', fetch), config.publicUrl),
    previews: redisPreviews(commands),
    thumbnailer: thumbnailWorker(env.THUMBNAILS, countThumbnail, calls),
    placement: placementCheck(config.placement, {
      record: postgresPlacement(sql),
      copy: redisPlacement(commands),
      clock,
      log,
    }),
    deepHealth: redisHealth(commands),
    push: countedPushes(
      pushGateway(limitedFetch('push', fetch), (work) => withDeadline(PUSH_TIMEOUT_MS, work)),
      metrics,
    ),
  }
}

/** Many isolates count, and are summed where a dataset is bound; the sums are asked for with the API's token. */
function gathered(
  { ANALYTICS: dataset }: Env,
  config: Config,
  registry: Registry,
): GatheredMetrics | undefined {
  if (dataset === undefined) return undefined
  const { analytics } = config
  return analyticsEngine({
    dataset,
    registry,
    clock: systemClock,
    sleep,
    query: analytics && { ...analytics, fetch: limitedFetch('analytics', fetch) },
  })
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** On one machine the launcher hands traces on: the runtime keeps the Worker from private addresses. */
function tracesOf(
  { OTLP: binding }: Env,
  { config, log, metrics }: Pick<Ports, 'config' | 'log' | 'metrics'>,
): SpanSink | undefined {
  const { traces, serverName } = config
  if (traces === undefined) return undefined
  const send: typeof fetch = binding === undefined ? fetch : (input, init) => binding.fetch(input, init)
  return otlpExporter({
    ...traces,
    source: { version: VERSION, serverName },
    fetch: limitedFetch('otlp', send),
    metrics,
    log,
    sleep,
  })
}

/** Keeps the keys apart from what other servers, and this one before a restore, have put into the same Redis. */
function prefixOf({ instanceId, generation }: Config): string {
  return instanceId === undefined && generation === 0 ? '' : `${instanceId ?? ''}.${generation}:`
}

/** On one machine an S3 or a Kubo may stand on a private address, where the Worker's own requests do not go. */
function sendToStores({ STORES: binding }: Env): typeof fetch {
  return limitedFetch(
    'media store',
    binding === undefined ? fetch : (input, init) => binding.fetch(input, init),
  )
}

function countThumbnail(): void {
  countService('thumbnails.make')
  if (takeFault('thumbnails:break-off')) throw new Error('broken off by a test')
}

/** What databases are called in traces. */
const SYSTEMS = { postgres: 'postgresql', redis: 'redis' } as const

function storeFetch(store: keyof typeof SYSTEMS, send: typeof fetch): typeof fetch {
  return tracedFetch(store, { 'db.system.name': SYSTEMS[store] }, limitedFetch(store, send))
}

/** On one machine the endpoint knows its database by itself; the driver only needs something that looks like a URL. */
function postgresOf({ PG: binding, DATABASE_URL: url }: Env): PostgresTarget {
  if (binding === undefined) return { url, fetch: storeFetch('postgres', fetch) }
  return {
    url: 'postgresql://selvedge:local@postgres.local/selvedge',
    endpoint: 'http://postgres.local/sql',
    fetch: storeFetch('postgres', (input, init) => binding.fetch(input, init)),
  }
}

/** On one machine this process is the endpoint's only client, and needs no token. */
function redisOf(env: Env): RedisTarget {
  const { REDIS: binding, UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env
  if (binding === undefined) return { url: url.replace(/\/+$/, ''), token, fetch: storeFetch('redis', fetch) }
  const send = storeFetch('redis', (input, init) => binding.fetch(input, init))
  return { url: 'http://redis.local', token: 'local', fetch: send }
}
