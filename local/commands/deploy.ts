/** `npm run deploy`: says all that a deployment lacks, migrates Postgres, deploys both Workers, and tries the result. */
import { setTimeout as sleep } from 'node:timers/promises'
import { VERSION } from '../../src/version.ts'
import { runChecks } from '../checks/engine.ts'
import { entryFlags, helpOf, readFlags, type Shared } from '../checks/flags.ts'
import { openVisit } from '../checks/open-visit.ts'
import { hasFailed, lineOf, sumOf } from '../checks/report/terminal.ts'
import { smokeChecks } from '../checks/smoke.ts'
import { askAccount } from '../deploy/account.ts'
import { bundleBoth } from '../deploy/bundle.ts'
import { type Configuration, readConfiguration } from '../deploy/configuration.ts'
import { databaseMistakes, migrate } from '../deploy/database.ts'
import { addressMistakes, REQUIREMENTS } from '../deploy/requirements.ts'
import { wrangler } from '../deploy/wrangler.ts'
import { openServer } from '../postgres/server.ts'
import { StartError } from '../start-error.ts'
import { runCommand } from './command.ts'

const flags = {
  'dry-run': { help: 'Does all that needs no account, and changes nothing.' },
  config: { value: 'file', help: "Another of wrangler's files, such as one for staging. [wrangler.toml]" },
  secrets: {
    value: 'file',
    help: 'JSON of names and secrets, which go along; those that are there already stay.',
  },
  ...entryFlags,
} as const
const shared = [
  'database-url',
  'server-name',
  'registration-shared-secret',
  'metrics-token',
  'ca',
  'data-dir',
] as const

/** A new address has no certificate in its first minutes. */
const REACHED_MS = 5 * 60_000
const LOOK_MS = 5_000

await runCommand(async () => {
  const read = readFlags(process.argv.slice(2), flags, shared)
  if (read === 'help') {
    process.stdout.write(helpOf('npm run deploy', flags, shared))
    return
  }
  const { given, options } = read
  const configuration = readConfiguration(given)
  const databaseUrl =
    (options as Shared & { 'database-url'?: string })['database-url'] ?? configuration.secrets.DATABASE_URL
  const isDry = given['dry-run'] !== undefined
  await requireAll(configuration, databaseUrl, isDry)
  if (isDry) {
    console.log('nothing is missing that can be seen without an account')
    return
  }
  await migrateAt(databaseUrl!)
  await deploy(configuration.thumbnailsPath, [])
  const withSecrets =
    configuration.secretsPath === undefined ? [] : ['--secrets-file', configuration.secretsPath]
  await deploy(configuration.path, withSecrets)
  await tryOut(
    { ...given, url: configuration.vars.PUBLIC_URL },
    { ...options, 'server-name': configuration.vars.SERVER_NAME },
  )
})

/** @throws StartError with everything that is missing, not the first alone */
async function requireAll(
  configuration: Configuration,
  databaseUrl: string | undefined,
  isDry: boolean,
): Promise<void> {
  const seen = REQUIREMENTS.flatMap(({ find }) => find(configuration))
  // What needs no account can be tried without an address, too.
  const address = isDry && databaseUrl === undefined ? [] : addressMistakes(databaseUrl)
  const [bundled, account, database] = await Promise.all([
    bundleBoth(configuration),
    isDry ? { missing: [], notes: [] } : askAccount(configuration),
    isDry || address.length > 0 || databaseUrl === undefined ? [] : inDatabase(databaseUrl, configuration),
  ])
  for (const note of [...bundled.notes, ...account.notes]) console.log(note)
  const missing = [...seen, ...address, ...bundled.missing, ...account.missing, ...database]
  if (missing.length === 0) return
  const list = missing.map((sentence) => `\n  - ${sentence}`).join('')
  throw new StartError(
    `${missing.length === 1 ? 'one thing is' : `${missing.length} things are`} missing:${list}`,
  )
}

async function inDatabase(url: string, configuration: Configuration): Promise<string[]> {
  let database: Awaited<ReturnType<typeof openServer>>
  try {
    database = await openServer(url)
  } catch (error) {
    if (error instanceof StartError) return [error.message]
    throw error
  }
  try {
    return await databaseMistakes(database, configuration)
  } finally {
    await database.close()
  }
}

async function migrateAt(url: string): Promise<void> {
  const database = await openServer(url)
  try {
    const applied = await migrate(database)
    for (const name of applied) console.log(`applied ${name}`)
    if (applied.length === 0) console.log('no migration to apply')
  } finally {
    await database.close()
  }
}

/** @throws StartError where wrangler has failed; what it says has been shown */
async function deploy(config: string, more: string[]): Promise<void> {
  const { code } = await wrangler(['deploy', '-c', config, ...more], (text) => process.stdout.write(text))
  if (code !== 0) {
    throw new StartError(
      `wrangler deploy -c ${config} failed. What was deployed before goes on: npx wrangler rollback undoes a deployment`,
    )
  }
}

async function tryOut(given: Parameters<typeof openVisit>[0], options: Shared): Promise<void> {
  const visit = openVisit(given, options, false)
  await reached(visit.url)
  const results = await runChecks(smokeChecks, visit, { tell: (result) => console.log(lineOf(result)) })
  console.log(sumOf(results))
  if (hasFailed(results)) throw new StartError('it is deployed, and not well: see what has failed above')
}

async function reached(url: string): Promise<void> {
  const isNew = async () => {
    const answer = await fetch(`${url}/health`).catch(() => undefined)
    const body = (await answer?.json().catch(() => undefined)) as { version?: unknown } | undefined
    return body?.version === VERSION
  }
  for (const end = Date.now() + REACHED_MS; !(await isNew()); await sleep(LOOK_MS)) {
    if (Date.now() > end) {
      throw new StartError(
        `${url}/health does not say version ${VERSION}: look at the DNS record and the certificate of its host`,
      )
    }
  }
}
