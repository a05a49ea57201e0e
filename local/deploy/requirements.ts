/** What a deployment needs that can be seen without an account: each row finds what is missing, in sentences. */
import { SETTING_NAMES, settingMistakes } from '../../src/config.ts'
import { nearest } from '../options/nearest.ts'
import { pooledHost } from '../postgres/pooled.ts'
import type { Configuration, WranglerConfig } from './configuration.ts'
import { migrationMistakes } from './object-migrations.ts'

export interface Requirement {
  name: string
  /** What is missing, and what to do about it; nothing if all is well. */
  find(configuration: Configuration): string[]
}

/** What the Worker does not start without. */
export const REQUIRED_SECRETS = [
  'DATABASE_URL',
  'UPSTASH_REDIS_REST_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'SIGNING_KEYS',
  'TOKEN_KEYS',
]
/** What nobody but the Worker may see. */
const SECRETS = new Set([
  ...REQUIRED_SECRETS,
  'REGISTRATION_SHARED_SECRET',
  'METRICS_TOKEN',
  'TOKEN_ISSUERS',
  'TURN_SECRET',
  'ANALYTICS_TOKEN',
  'S3_ACCESS_KEY_ID',
  'S3_SECRET_ACCESS_KEY',
  'IPFS_API_SECRET',
  'OTEL_EXPORTER_OTLP_HEADERS',
])
const KNOWN = new Set([...SETTING_NAMES, ...SECRETS])
/** Of one machine and of tests. */
const NEVER = ['TEST_HOOKS', 'PASSWORD_COST', 'ALLOW_PRIVATE_NETWORKS']

/** Stand in for the keys that nobody has given, so that the other settings can be read. */
const ANY_KEYS = {
  SIGNING_KEYS: JSON.stringify([{ id: 'ed25519:none', seed: 'A'.repeat(43) }]),
  TOKEN_KEYS: JSON.stringify([{ id: 'none', secret: 'A'.repeat(43) }]),
}
const FLAGS = ['nodejs_compat', 'global_fetch_strictly_public']

export const REQUIREMENTS: Requirement[] = [
  { name: 'names', find: names },
  { name: 'settings', find: settings },
  { name: 'secrets', find: secrets },
  { name: 'the address', find: address },
  { name: 'bindings', find: bindings },
  { name: 'dates and flags', find: dates },
  { name: 'migrations of objects', find: ({ worker }) => migrationMistakes(worker.migrations) },
]

function names({ vars, file }: Configuration): string[] {
  const { SERVER_NAME: serverName, PUBLIC_URL: publicUrl = '' } = vars
  const missing = []
  if (serverName === undefined || serverName === 'example.org') {
    missing.push(
      `SERVER_NAME: write the part of user ids after the colon into [vars] of ${file}; it can never change`,
    )
  }
  if (publicUrl === '' || publicUrl === 'https://matrix.example.org') {
    missing.push(`PUBLIC_URL: write where clients reach the server into [vars] of ${file}`)
  } else if (URL.canParse(publicUrl)) {
    const { protocol, pathname } = new URL(publicUrl)
    if (protocol !== 'https:')
      missing.push('PUBLIC_URL must begin with https://: Cloudflare serves nothing else')
    if (pathname !== '/')
      missing.push('PUBLIC_URL must have no path: clients would not find the API below it')
  }
  return missing
}

function settings({ vars, secrets }: Configuration): string[] {
  const unknown = Object.keys({ ...vars, ...secrets })
    .filter((name) => !KNOWN.has(name))
    .map((name) => {
      const meant = nearest(name, [...KNOWN])
      return `${name} is no setting${meant === undefined ? '' : `: ${meant} is`}`
    })
  const dangerous = NEVER.filter((name) => !['', 'off', 'normal', undefined].includes(vars[name])).map(
    (name) => `${name} is for one machine or for tests: take it out`,
  )
  const given = Object.fromEntries(
    Object.entries({ ...vars, ...secrets }).filter(([name]) => KNOWN.has(name)),
  )
  return [...unknown, ...dangerous, ...settingMistakes({ ...ANY_KEYS, ...given })]
}

function secrets({ vars, secrets }: Configuration): string[] {
  const open = Object.keys(vars)
    .filter((name) => SECRETS.has(name) && vars[name] !== '')
    .map(
      (name) => `${name} is a secret, and everybody who sees [vars] sees it: npx wrangler secret put ${name}`,
    )
  const forms: [name: string, isRight: (text: string) => boolean, form: string][] = [
    [
      'DATABASE_URL',
      (text) => /^postgres(ql)?:\/\/[^@\s]+@[^@\s]+\/\S+$/.test(text),
      'postgresql://user:password@host/database',
    ],
    ['UPSTASH_REDIS_REST_URL', (text) => URL.canParse(text) && text.startsWith('https://'), 'an https URL'],
    ['UPSTASH_REDIS_REST_TOKEN', (text) => /^\S{8,}$/.test(text), 'the token of the REST API'],
  ]
  const wrong = forms
    .filter(([name, isRight]) => secrets[name] !== undefined && !isRight(secrets[name]))
    .map(([name, , form]) => `${name} must be ${form}`)
  return [...open, ...wrong]
}

function address({ worker, vars, file }: Configuration): string[] {
  const host = URL.canParse(vars.PUBLIC_URL ?? '') ? new URL(vars.PUBLIC_URL!).hostname : undefined
  const routes = [worker.route, ...worker.routes]
  if (host === undefined || routes.some((pattern) => pattern === host || pattern === `${host}/*`)) return []
  return [
    `no route leads to ${host}: write routes = [{ pattern = "${host}", custom_domain = true }] into ${file}, above [vars]`,
  ]
}

function bindings({ worker, thumbnails }: Configuration): string[] {
  const wanted: [found: boolean, what: string][] = [
    ...(
      [
        ['ROOM', 'Room'],
        ['USER', 'User'],
        ['PARTITION', 'Partition'],
        ['DESTINATION', 'Destination'],
      ] as const
    ).map(([name, className]): [boolean, string] => [
      worker.durable_objects.bindings.some((one) => one.name === name && one.class_name === className),
      `[[durable_objects.bindings]] ${name} of class ${className}`,
    ]),
    [
      worker.r2_buckets.some(({ binding, bucket_name: name }) => binding === 'MEDIA' && Boolean(name)),
      '[[r2_buckets]] MEDIA',
    ],
    [
      worker.services.some(
        ({ binding, service, entrypoint }) =>
          binding === 'THUMBNAILS' && service === thumbnails.name && entrypoint === 'Thumbnails',
      ),
      `[[services]] THUMBNAILS to the entrypoint Thumbnails of ${thumbnails.name}`,
    ],
  ]
  return wanted.filter(([found]) => !found).map(([, what]) => `the binding is missing: ${what}`)
}

function dates({ worker, thumbnails }: Configuration): string[] {
  const today = new Date().toISOString().slice(0, 10)
  const of = (config: WranglerConfig) => {
    const date = config.compatibility_date
    if (date === undefined) return [`${config.name} has no compatibility_date`]
    return date > today ? [`${config.name} has a compatibility_date that is still to come: ${date}`] : []
  }
  const flags = FLAGS.filter((flag) => !worker.compatibility_flags.includes(flag))
  return [
    ...of(worker),
    ...of(thumbnails),
    ...flags.map((flag) => `the compatibility flag is missing: ${flag}`),
  ]
}

/** What speaks against migrating over this address, in a sentence. */
export function addressMistakes(databaseUrl: string | undefined): string[] {
  if (databaseUrl === undefined) {
    return [
      'DATABASE_URL: give the direct address of Postgres for the migrations, as a variable or by --database-url',
    ]
  }
  const pooled = pooledHost(databaseUrl)
  if (pooled === undefined) return []
  return [
    `DATABASE_URL names ${pooled}, a pool: migrations need a session of their own; name ${pooled.replace('-pooler', '')}`,
  ]
}
