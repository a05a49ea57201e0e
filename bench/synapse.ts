/** Synapse with Postgres on the same machine, installed by pip and lifted of its limits, for comparison. */

import { chmod, chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { type Child, runToEnd, startChild, temporaryFolder } from './child.ts'
import type { Sizes } from './figures.ts'
import type { Target } from './target.ts'

const POSTGRES_BIN = process.env.POSTGRES_BIN ?? '/usr/lib/postgresql/15/bin'
const START_LIMIT_MS = 60_000
/** The user that Debian's package makes; Postgres refuses to run as root. */
const POSTGRES_USER = 'postgres'

interface Owner {
  uid: number
  gid: number
}

/** Installs Synapse once into a virtual environment and describes how to start it. */
export async function synapse(directory: string, sizes: Sizes): Promise<Target> {
  const python = await install(directory)
  return {
    name: 'synapse',
    title: 'Synapse',
    sizes,
    async start() {
      const home = temporaryFolder('synapse')
      // Postgres runs as another user and must reach its folder.
      await chmod(home, 0o711)
      const postgres = await startPostgres(join(home, 'postgres'))
      const server = await startHomeserver(python, join(home, 'synapse'), postgres.socketDirectory).catch(
        async (error: unknown) => {
          await postgres.child.stop('SIGINT')
          throw error
        },
      )
      return {
        url: `http://127.0.0.1:${server.ready}`,
        pids: [server.pid, postgres.child.pid],
        async stop() {
          await server.stop()
          await postgres.child.stop('SIGINT')
          await rm(home, { recursive: true, force: true })
        },
      }
    },
  }
}

async function install(directory: string): Promise<string> {
  const environment = join(directory, 'venv')
  const python = join(environment, 'bin/python')
  const importable = () => runToEnd(python, ['-c', 'import synapse, psycopg2'])
  try {
    await importable()
  } catch {
    console.log(`Installing Synapse into ${environment} (some minutes, once)`)
    await mkdir(directory, { recursive: true })
    await runToEnd('python3', ['-m', 'venv', environment])
    await runToEnd(join(environment, 'bin/pip'), ['install', '--quiet', 'matrix-synapse', 'psycopg2-binary'])
    await importable()
  }
  return python
}

async function startPostgres(directory: string): Promise<{ child: Child; socketDirectory: string }> {
  const owner = await postgresOwner()
  await mkdir(directory)
  if (owner !== undefined) await chown(directory, owner.uid, owner.gid)
  const data = join(directory, 'data')
  const run = { cwd: directory, ...owner }
  await runToEnd(
    join(POSTGRES_BIN, 'initdb'),
    ['-A', 'trust', '-U', POSTGRES_USER, '--no-sync', '--locale=C', '--encoding=UTF8', '-D', data],
    run,
  )
  const child = await startChild({
    command: join(POSTGRES_BIN, 'postgres'),
    args: ['-D', data, '-k', directory, '-c', 'listen_addresses='],
    ready: /ready to accept connections/,
    timeoutMs: START_LIMIT_MS,
    ...run,
  })
  await runToEnd(join(POSTGRES_BIN, 'createdb'), ['-h', directory, '-U', POSTGRES_USER, 'synapse'], run)
  return { child, socketDirectory: directory }
}

/** The user that Postgres must run as when we are root; nobody else otherwise. */
async function postgresOwner(): Promise<Owner | undefined> {
  if (userInfo().uid !== 0) return undefined
  const passwd = await readFile('/etc/passwd', 'utf8')
  const line = passwd.split('\n').find((entry) => entry.startsWith(`${POSTGRES_USER}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  if (uid === undefined || gid === undefined)
    throw new Error(`there is no user ${POSTGRES_USER} to run Postgres as`)
  return { uid: Number(uid), gid: Number(gid) }
}

async function startHomeserver(python: string, directory: string, socketDirectory: string): Promise<Child> {
  await mkdir(directory)
  const config = join(directory, 'homeserver.yaml')
  // YAML reads JSON.
  await writeFile(join(directory, 'log.yaml'), JSON.stringify(LOGGING))
  await writeFile(config, JSON.stringify(homeserverConfig(directory, socketDirectory)))
  const args = ['-m', 'synapse.app.homeserver', '--config-path', config]
  await runToEnd(python, [...args, '--generate-keys'], { cwd: directory })
  return startChild({
    command: python,
    args,
    cwd: directory,
    ready: /Synapse now listening on TCP port (\d+)\s/,
    timeoutMs: START_LIMIT_MS,
  })
}

/** Says when the server listens, and warnings. */
export const LOGGING = {
  version: 1,
  formatters: { plain: { format: '%(levelname)s %(name)s %(message)s' } },
  handlers: { console: { class: 'logging.StreamHandler', formatter: 'plain' } },
  loggers: { 'synapse.app': { level: 'INFO' } },
  root: { level: 'WARNING', handlers: ['console'] },
  disable_existing_loggers: false,
}

/** A rate limit that nothing reaches. */
export const NO_LIMIT = { per_second: 1e6, burst_count: 1e6 }

function homeserverConfig(directory: string, socketDirectory: string): object {
  return {
    server_name: 'bench.localhost',
    report_stats: false,
    pid_file: join(directory, 'homeserver.pid'),
    signing_key_path: join(directory, 'signing.key'),
    media_store_path: join(directory, 'media'),
    log_config: join(directory, 'log.yaml'),
    listeners: [
      {
        port: 0,
        bind_addresses: ['127.0.0.1'],
        type: 'http',
        tls: false,
        resources: [{ names: ['client'] }],
      },
    ],
    database: {
      name: 'psycopg2',
      args: { user: POSTGRES_USER, dbname: 'synapse', host: socketDirectory, cp_min: 5, cp_max: 10 },
    },
    enable_registration: true,
    enable_registration_without_verification: true,
    bcrypt_rounds: 4,
    default_room_version: '12',
    // Its cache of whole answers would be timed in place of the sync.
    caches: { sync_response_cache_duration: '0s' },
    presence: { enabled: false },
    trusted_key_servers: [],
    rc_message: NO_LIMIT,
    rc_registration: NO_LIMIT,
    rc_joins: { local: NO_LIMIT, remote: NO_LIMIT },
    rc_joins_per_room: NO_LIMIT,
    rc_invites: { per_room: NO_LIMIT, per_user: NO_LIMIT, per_issuer: NO_LIMIT },
    rc_login: { address: NO_LIMIT, account: NO_LIMIT, failed_attempts: NO_LIMIT },
    rc_room_creation: NO_LIMIT,
  }
}
