/** The Workers under miniflare's own API, the homeserver listening by a direct socket. */
import { join } from 'node:path'
import { Miniflare, type MiniflareOptions, type Request, Response } from 'miniflare'
import { projectRoot } from '../paths.ts'
import type { SqlService } from '../postgres/endpoint.ts'
import type { RedisService } from '../redis/endpoint.ts'
import { messageOf, StartError } from '../start-error.ts'
import type { Bundle } from './bundle.ts'
import { closeBackDoors } from './listener.ts'
import type { JsonAnswer } from './service.ts'
import { type RuntimeProcess, runtimeProcess } from './workerd.ts'

/** The Worker's name under miniflare. */
export const workerName = 'selvedge'
const thumbnailsName = 'selvedge-thumbnails'
/** A stream that compresses keeps 0.2 MB for it, however long nothing is said. */
const UNCOMPRESSED = ['no_web_socket_compression']

/** Not later than the pinned workerd knows. */
const compatibilityDate = '2026-07-22'

export interface RuntimeOptions {
  host: string
  port: number
  /** The bundled Worker. */
  source: string
  thumbnails: Bundle
  bindings: Record<string, string>
  sql: SqlService
  redis: RedisService
  /** Where Durable Objects and R2 are kept. */
  objects: string
  /** A folder of this instance, for the runtime's process id. */
  run: string
  allowPrivateNetworks: boolean
  /** Certificates to trust beside the usual ones, PEM. */
  ca: string[]
  /** Opens the objects' storage to tests. */
  inspect: boolean
  /** What the Worker may ask of the machine. */
  machine: (runtime: RuntimeProcess) => unknown
  /** The way to the collector of traces, if there is one. */
  otlp: ((request: Request) => Promise<Response>) | undefined
  onLog: NonNullable<MiniflareOptions['handleStructuredLogs']>
}

export interface Runtime {
  mf: Miniflare
  process: RuntimeProcess
}

/** Starts the Worker and answers once it listens. @throws StartError */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const runtime = runtimeProcess(options.run)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const before = new Map(signals.map((signal) => [signal, process.listeners(signal)]))
  let mf: Miniflare | undefined
  closeBackDoors()
  try {
    mf = new Miniflare(miniflareOptions(options, runtime))
    // Miniflare's own handlers would end the process at once, before anything is closed.
    for (const [signal, ours] of before) {
      for (const listener of process.listeners(signal)) {
        if (!ours.includes(listener)) process.removeListener(signal, listener)
      }
    }
    await mf.ready
    return { mf, process: runtime }
  } catch (error) {
    await mf?.dispose().catch(() => {})
    throw new StartError(`The Workers runtime did not start: ${messageOf(error).split('\n').join(' ')}`)
  }
}

/** The Workers and their bindings, as `wrangler.toml` and `wrangler.thumbnails.toml` have them for Cloudflare. */
export function miniflareOptions(options: RuntimeOptions, runtime: RuntimeProcess): MiniflareOptions {
  return {
    // Otherwise miniflare asks the internet for a `request.cf`.
    cf: false,
    logRequests: false,
    defaultPersistRoot: options.objects,
    handleStructuredLogs: options.onLog,
    unsafeRuntimeEnv: runtime.env,
    unsafeInspectDurableObjects: options.inspect,
    workers: [
      {
        name: workerName,
        modules: [{ type: 'ESModule', path: 'worker.mjs', contents: options.source }],
        compatibilityDate,
        compatibilityFlags: ['nodejs_compat', 'global_fetch_strictly_public', ...UNCOMPRESSED],
        unsafeDirectSockets: [{ host: options.host, port: options.port }],
        durableObjects: {
          ROOM: { className: 'Room', useSQLite: true },
          USER: { className: 'User', useSQLite: true },
          PARTITION: { className: 'Partition', useSQLite: true },
          DESTINATION: { className: 'Destination', useSQLite: true },
        },
        r2Buckets: ['MEDIA'],
        serviceBindings: {
          // The operator's own S3 or Kubo may stand anywhere; only what knows their addresses goes this way.
          STORES: { network: { ...network(options), allow: ['public', 'private'] } },
          PG: async (request: Request) =>
            reply(
              await options.sql({ header: (name) => request.headers.get(name), body: await request.text() }),
            ),
          REDIS: async (request: Request) =>
            reply(await options.redis({ path: new URL(request.url).pathname, body: await request.text() })),
          ...(options.otlp !== undefined && { OTLP: options.otlp }),
          MACHINE: () => Response.json(options.machine(runtime)),
          THUMBNAILS: { name: thumbnailsName, entrypoint: 'Thumbnails' },
        },
        bindings: options.bindings,
        outboundService: { network: network(options) },
      },
      {
        name: thumbnailsName,
        modulesRoot: projectRoot,
        modules: [
          {
            type: 'ESModule',
            path: join(projectRoot, 'worker.mjs'),
            contents: options.thumbnails.source,
          },
          // By their paths: given as bytes, they cost miniflare a hundred times their size.
          ...options.thumbnails.modules.map((path) => ({ type: 'CompiledWasm', path }) as const),
        ],
        compatibilityDate,
        // This address reaches nobody.
        outboundService: () => new Response(null, { status: 403 }),
      },
    ],
  }
}

/** A Worker cannot check the address behind a name: the runtime does, for `fetch` and `connect`. */
function network({ allowPrivateNetworks, ca }: RuntimeOptions) {
  return {
    allow: allowPrivateNetworks ? ['public', 'private'] : ['public'],
    deny: [],
    // Without these there is no https at all.
    tlsOptions: { trustBrowserCas: true, trustedCertificates: ca },
  }
}

function reply({ status, json }: JsonAnswer): Response {
  return Response.json(json, { status })
}
