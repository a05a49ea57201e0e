/** `npm run deploy` with the real wrangler: without an account, and against Cloudflare's API as wrangler asks it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OBJECT_MIGRATIONS } from '../../local/deploy/object-migrations.ts'
import { projectRoot } from '../../local/paths.ts'
import { openServer } from '../../local/postgres/server.ts'
import { type Ran, runScript } from '../support/command.ts'
import { makeCertificate } from '../support/deployment/certificates.ts'
import { type FakeCloudflare, startCloudflare } from '../support/deployment/cloudflare.ts'
import { needing, postgresPrograms, type RealServer, startPostgres } from '../support/real-servers.ts'
import { startServer, type TestServer } from '../support/server.ts'

const PATIENCE_MS = 120_000
const folder = mkdtempSync(join(tmpdir(), 'selvedge-deploy-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const committed = readFileSync(join(projectRoot, 'wrangler.toml'), 'utf8').replace(
  'workers/index.ts',
  join(projectRoot, 'workers/index.ts'),
)

/** A configuration as an operator fills it in, with further changes. */
function configured(
  changes: [from: string | RegExp, to: string][] = [],
  url = 'https://matrix.talk.example',
): string {
  const filled: [string | RegExp, string][] = [
    ['"example.org"', '"talk.example"'],
    ['https://matrix.example.org', url],
    [
      /^# routes = .*$/m,
      `routes = [{ pattern = "${new URL(url).hostname}", custom_domain = true, zone_id = "zone" }]`,
    ],
  ]
  let text = committed
  for (const [from, to] of [...filled, ...changes]) {
    const next = text.replace(from, to)
    if (next === text) throw new Error(`nothing is like ${from}`)
    text = next
  }
  const path = join(mkdtempSync(join(folder, 'config-')), 'wrangler.toml')
  writeFileSync(path, text)
  return path
}

const secrets = {
  DATABASE_URL: 'postgresql://owner:word@ep-one.eu-central-1.aws.neon.tech/selvedge',
  UPSTASH_REDIS_REST_URL: 'https://one.upstash.io',
  UPSTASH_REDIS_REST_TOKEN: 'token-of-redis',
  SIGNING_KEYS: JSON.stringify([{ id: 'ed25519:a_1', seed: 'B'.repeat(43) }]),
  TOKEN_KEYS: JSON.stringify([{ id: 'k_1', secret: 'C'.repeat(43) }]),
}
function secretsFile(given: Record<string, string>): string {
  const path = join(mkdtempSync(join(folder, 'secrets-')), 'secrets.json')
  writeFileSync(path, JSON.stringify(given))
  return path
}

const deploy = (args: string[], env: Record<string, string> = {}) =>
  runScript('deploy', ['--data-dir', folder, ...args], '', { HOME: folder, ...env })
const missing = ({ stderr }: Ran) =>
  stderr
    .split('\n')
    .filter((line) => line.startsWith('  - '))
    .map((line) => line.slice(4))

describe('without an account', { timeout: PATIENCE_MS }, () => {
  it('all that can be seen is there, and both Workers are bundled', async () => {
    const ran = await deploy(['--dry-run', '--config', configured(), '--secrets', secretsFile(secrets)])
    expect([ran.code, ran.stderr]).toEqual([0, ''])
    expect(ran.stdout).toMatch(/^selvedge-thumbnails: \d+ KiB compressed/m)
    expect(ran.stdout).toMatch(/^selvedge: \d+ KiB compressed/m)
    expect(ran.stdout).toContain('nothing is missing that can be seen without an account')
  })

  it('the committed file lacks its names, and they are told in one list', async () => {
    const ran = await deploy(['--dry-run'])
    expect(ran.code).toBe(1)
    expect(missing(ran)).toEqual([
      expect.stringContaining('SERVER_NAME: write the part of user ids'),
      expect.stringContaining('PUBLIC_URL: write where clients reach the server'),
      expect.stringContaining('no route leads to matrix.example.org'),
    ])
  })

  const pooled = 'postgresql://owner:word@ep-one-pooler.eu-central-1.aws.neon.tech/selvedge'

  it('everything that is wrong is told at once, and no secret', async () => {
    const config = configured([
      ['https://matrix.talk.example', 'http://matrix.talk.example/path'],
      [
        'REGISTRATION = "closed"',
        'REGISTRATION = "maybe"\nREGISTRATON = "open"\nTURN_SECRET = "shown-to-all"',
      ],
      ['"nodejs_compat", ', ''],
      ['new_sqlite_classes = ["Room", "User"]', 'new_sqlite_classes = ["User", "Room"]'],
      ['binding = "MEDIA"', 'binding = "MEDIUM"'],
    ])
    const given = { ...secrets, TOKEN_KEYS: 'not-a-list', DATABASE_URL: 'mysql://hidden-word@host/x' }
    const args = ['--dry-run', '--config', config, '--secrets', secretsFile(given), '--database-url', pooled]
    const ran = await deploy(args)
    expect(ran.code).toBe(1)
    for (const sentence of [
      'PUBLIC_URL must begin with https://',
      'PUBLIC_URL must have no path',
      'REGISTRATON is no setting: REGISTRATION is',
      'REGISTRATION: ',
      'TOKEN_KEYS: must be a JSON list',
      'TURN_SECRET is a secret, and everybody who sees [vars] sees it',
      'DATABASE_URL must be postgresql://user:password@host/database',
      'the binding is missing: [[r2_buckets]] MEDIA',
      'the compatibility flag is missing: nodejs_compat',
      '[[migrations]] v1 is not as it was applied',
      'DATABASE_URL names ep-one-pooler.eu-central-1.aws.neon.tech, a pool: migrations need a session of their own; name ep-one.eu-central-1.aws.neon.tech',
    ]) {
      expect(missing(ran)).toContainEqual(expect.stringContaining(sentence))
    }
    expect(ran.stdout + ran.stderr).not.toMatch(/shown-to-all|hidden-word|not-a-list|token-of-redis/)
  })

  it.each([
    [['--config', 'nowhere.toml'], 2, 'nowhere.toml is missing'],
    [['--secrets', 'nowhere.json'], 2, '--secrets nowhere.json cannot be read'],
    [['--dry-run', '--fast'], 2, 'unknown option --fast'],
  ])('%j is refused', async (args, code, sentence) => {
    const ran = await deploy(args)
    expect([ran.code, ran.stderr]).toEqual([code, expect.stringContaining(sentence)])
  })

  it("Neon's pooled address is refused for migrations by hand, too", async () => {
    const ran = await runScript('migrate', ['--database-url', pooled])
    expect([ran.code, ran.stderr]).toEqual([
      1,
      expect.stringContaining('locks need a session of their own: name ep-one.eu-central-1.aws.neon.tech'),
    ])
  })

  it('the migrations of objects are recorded as wrangler.toml has them', () => {
    const rows = [...committed.matchAll(/\[\[migrations\]\]\ntag = "(.+)"\nnew_sqlite_classes = (.+)\n/g)]
    expect(rows.map(([, tag, classes]) => ({ tag, new_sqlite_classes: JSON.parse(classes!) }))).toEqual(
      OBJECT_MIGRATIONS,
    )
  })
})

describe.skipIf(!postgresPrograms)(
  needing('with an account', postgresPrograms, 'postgresql'),
  { timeout: PATIENCE_MS },
  () => {
    let cloudflare: FakeCloudflare
    let postgres: RealServer
    /** What stands in for the deployment at its address. */
    let server: TestServer
    let url: string
    let ca: string
    beforeAll(async () => {
      const { cert, key } = makeCertificate(folder, 30)
      ca = cert
      const tls = { 'https-port': '0', 'tls-cert': cert, 'tls-key': key }
      ;[cloudflare, postgres, server] = await Promise.all([
        startCloudflare(),
        startPostgres(),
        startServer(tls),
      ])
      url = server.instance.httpsUrl!.replace('127.0.0.1', 'localhost')
    }, PATIENCE_MS)
    afterAll(() => Promise.all([cloudflare?.close(), postgres?.stop(), server?.stop()]))

    const env = () => ({ ...cloudflare.env, NODE_EXTRA_CA_CERTS: ca })
    const run = (changes: [string | RegExp, string][], more: string[] = [], moreEnv = {}) =>
      deploy(['--config', configured(changes, url), '--database-url', postgres.url, '--ca', ca, ...more], {
        ...env(),
        ...moreEnv,
      })

    it('what the account lacks is told in one list, and nothing is deployed', async () => {
      cloudflare.plans = ['teams_free']
      const ran = await run([])
      expect(ran.code).toBe(1)
      expect(missing(ran)).toEqual([
        'the Workers Paid plan: choose it under Workers & Pages, Plans',
        ...Object.keys(secrets).map((name) => `the secret ${name}: give it in the file of --secrets`),
        'the bucket selvedge-media: npx wrangler r2 bucket create selvedge-media',
      ])
      const loggedOut = await run([], [], { CLOUDFLARE_API_TOKEN: '' })
      expect(missing(loggedOut)).toEqual([
        'a login at Cloudflare: npx wrangler login, or the variable CLOUDFLARE_API_TOKEN',
      ])
      expect(cloudflare.deployed).toEqual([])
      cloudflare.plans = ['workers_paid']
    })

    it('a first deployment migrates, deploys both Workers with the secrets, and tries the result', async () => {
      cloudflare.buckets.add('selvedge-media')
      cloudflare.showsPlans = false
      const hint: [string, string] = ['# LOCATION_HINT = "weur"', 'LOCATION_HINT = "weur"']
      const ran = await run([hint], ['--secrets', secretsFile(secrets)])
      expect([ran.stderr, ran.code]).toEqual(['', 0])
      expect(ran.stdout).toContain('the plan could not be seen with this login')
      expect(ran.stdout).toContain('this is the first deployment of this Worker')
      expect(ran.stdout).toContain('applied 0001_accounts.sql')
      expect(ran.stdout).toMatch(/^ok .* a long poll waits, and ends with the next message/m)
      expect(cloudflare.unknown).toEqual([])
      expect(cloudflare.deployed.map(({ name }) => name)).toEqual(['selvedge-thumbnails', 'selvedge'])
      expect(cloudflare.domains).toEqual(['localhost'])
      expect([...cloudflare.secrets.get('selvedge')!].sort()).toEqual(Object.keys(secrets).sort())
      const [, { metadata }] = cloudflare.deployed as [unknown, (typeof cloudflare.deployed)[number]]
      expect(metadata.bindings).toContainEqual({ name: 'LOCATION_HINT', type: 'plain_text', text: 'weur' })
      for (const value of Object.values(secrets)) expect(ran.stdout).not.toContain(value)
    })

    it('a later one finds its secrets, and is refused where objects would be looked for elsewhere', async () => {
      const database = await openServer(postgres.url)
      try {
        // As the deployed Worker does at its start.
        await database.use((connection) =>
          connection.query("insert into placement (jurisdiction, location_hint) values ('', 'weur')"),
        )
        await database.use((connection) => connection.query("insert into instance (id) values ('another')"))
      } finally {
        await database.close()
      }
      cloudflare.deployed.length = 0
      const ran = await run([
        ['# JURISDICTION = "eu"', 'JURISDICTION = "eu"'],
        ['# INSTANCE_ID = "example-org"', 'INSTANCE_ID = "this-one"'],
      ])
      expect(ran.code).toBe(1)
      expect(missing(ran)).toEqual([
        "the database belongs to the server another, and INSTANCE_ID is this-one: name this server's own database",
        'JURISDICTION is eu, and the first deployment made the objects with none: it cannot change; set it as it was',
        'LOCATION_HINT is none, and the first deployment made the objects with weur: it cannot change; set it as it was',
      ])
      expect(cloudflare.deployed).toEqual([])
    })
  },
)
