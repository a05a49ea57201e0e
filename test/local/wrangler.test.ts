/** What `npm start` runs and what wrangler deploys are one Worker: dates, flags, bindings and the names of the settings agree. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WorkerOptions } from 'miniflare'
import { describe, expect, it } from 'vitest'
import { experimental_readRawConfig, type Unstable_RawConfig as RawConfig } from 'wrangler'
import { bindingsOf } from '../../local/instance.ts'
import { readOptions } from '../../local/options/options.ts'
import { projectRoot } from '../../local/paths.ts'
import { miniflareOptions } from '../../local/runtime/runtime.ts'

const notAsked = async () => ({ status: 503, json: {} })
const local = miniflareOptions(
  {
    host: '127.0.0.1',
    port: 0,
    source: '',
    thumbnails: { source: '', modules: [] },
    bindings: {},
    sql: notAsked,
    redis: notAsked,
    objects: '',
    run: '',
    allowPrivateNetworks: false,
    ca: [],
    inspect: false,
    onLog: () => {},
    machine: () => ({}),
    otlp: undefined,
  },
  { env: {}, pidFile: '', pid: () => undefined },
) as unknown as { workers: (WorkerOptions & Record<string, unknown>)[] }
const [homeserver, thumbnails] = local.workers

const wrangler = (file: string): RawConfig =>
  experimental_readRawConfig({ config: join(projectRoot, file) }).rawConfig
const deployed = wrangler('wrangler.toml')
const deployedThumbnails = wrangler('wrangler.thumbnails.toml')

/** Each of the Worker's settings, as `src/env.ts` declares them, with what its comment says. */
const env = [
  ...readFileSync(join(projectRoot, 'src/env.ts'), 'utf8').matchAll(
    /(\/\*\* .*\n)?\s*([A-Z][A-Z_0-9]+)\??: (.+)/g,
  ),
]
const settings = env
  .filter(([, , , type]) => !/Namespace|Bucket|Service|Fetcher|Dataset/.test(type!))
  .map(([, , name]) => name!)

/** Memory of idle streams is scarce on one machine alone. */
const OF_ONE_MACHINE = ['no_web_socket_compression']

describe.each([
  ['the homeserver', homeserver!, deployed],
  ['the Worker of thumbnails', thumbnails!, deployedThumbnails],
])('%s', (_, here, there) => {
  it('has one compatibility date, and the same flags', () => {
    expect(there.compatibility_date).toMatch(/^\d{4}-\d\d-\d\d$/)
    expect(here.compatibilityDate).toBe(there.compatibility_date)
    const flags = ((here.compatibilityFlags ?? []) as string[]).filter(
      (flag) => !OF_ONE_MACHINE.includes(flag),
    )
    expect(flags).toEqual(there.compatibility_flags ?? [])
  })

  it('has one name', () => {
    expect(here.name).toBe(there.name)
  })
})

describe('the bindings', () => {
  it('of objects name the same classes, all of them with SQLite', () => {
    const classes = Object.entries(homeserver!.durableObjects as Record<string, { className: string }>)
    expect(classes.map(([name, { className }]) => ({ name, class_name: className }))).toEqual(
      deployed.durable_objects?.bindings,
    )
    const withSqlite = deployed.migrations?.flatMap(({ new_sqlite_classes: made = [] }) => made)
    expect(classes.map(([, { className }]) => className)).toEqual(withSqlite)
    expect(Object.values(homeserver!.durableObjects as object)).toEqual(
      classes.map(() => expect.objectContaining({ useSQLite: true })),
    )
  })

  it('of buckets have the same names', () => {
    expect(homeserver!.r2Buckets).toEqual(deployed.r2_buckets?.map(({ binding }) => binding))
  })

  it('of services lead to the same entrypoints, besides what only one machine has', () => {
    const { PG, REDIS, MACHINE, STORES, ...services } = homeserver!.serviceBindings as Record<string, unknown>
    expect(STORES).toHaveProperty('network')
    expect([PG, REDIS, MACHINE]).toEqual(Array(3).fill(expect.any(Function)))
    const there = deployed.services?.map(({ binding, service, entrypoint }) => [
      binding,
      { name: service, entrypoint },
    ])
    expect(services).toEqual(Object.fromEntries(there ?? []))
  })

  it('are declared in src/env.ts, and nothing else is', () => {
    // Absent unless traces are sent, or isolates are summed up.
    const optional = ['OTLP', 'ANALYTICS']
    const names = env
      .map(([, , name]) => name!)
      .filter((name) => !settings.includes(name) && !optional.includes(name))
    const { durableObjects, r2Buckets, serviceBindings } = homeserver as Record<string, object>
    expect(names.sort()).toEqual(
      [...Object.keys(durableObjects!), ...(r2Buckets as string[]), ...Object.keys(serviceBindings!)].sort(),
    )
  })
})

describe('the settings', () => {
  /** What only Cloudflare has: one machine runs where it runs. */
  const elsewhere = [
    'JURISDICTION',
    'LOCATION_HINT',
    ...['ACCOUNT', 'TOKEN', 'DATASET', 'API'].map((name) => `ANALYTICS_${name}`),
  ]
  /** What a start adds for itself. */
  const ofTheStart = [
    'SIGNING_KEYS',
    'TOKEN_KEYS',
    'TOKEN_ISSUERS',
    'INSTANCE_ID',
    'GENERATION',
    'LAUNCHER_SECRET',
  ]
  const options = readOptions([], {})
  if (options === 'help') throw new Error('no options')
  const given = Object.keys(bindingsOf(options, 'http://localhost'))

  it('of wrangler.toml are settings of the Worker', () => {
    expect(settings).toEqual(expect.arrayContaining(Object.keys(deployed.vars ?? {})))
  })

  it('of one machine are all that the Worker has, but for what only Cloudflare has and the hooks of tests', () => {
    expect([...given, ...ofTheStart, ...elsewhere, 'TEST_HOOKS'].sort()).toEqual(settings.toSorted())
  })

  it('are each explained in docs/deployment.md', () => {
    const page = readFileSync(join(projectRoot, 'docs/deployment.md'), 'utf8')
    const ofOneMachine = env
      .filter(([, comment]) => /One machine only|only in tests/.test(comment ?? ''))
      .map(([, , name]) => name)
    const ofTests = ['PASSWORD_COST']
    const missing = settings.filter(
      (name) =>
        !ofOneMachine.includes(name) && !ofTests.includes(name) && !new RegExp(`\\b${name}\\b`).test(page),
    )
    // The one setting of one machine that a deployment may have too.
    expect(ofOneMachine).toContain('LAUNCHER_SECRET')
    expect(missing).toEqual([])
  })
})
