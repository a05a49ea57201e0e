/** Real Postgres and Redis servers on loopback, where the machine has their packages. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { messageOf } from '../../local/start-error.ts'
import { eventually } from './eventually.ts'

export interface RealServer {
  url: string
  stop(): Promise<void>
}

const postgresRoot = '/usr/lib/postgresql'

/** Where Debian keeps the newest Postgres' programs; undefined when the package is missing. */
export const postgresPrograms: string | undefined = existsSync(postgresRoot)
  ? readdirSync(postgresRoot)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(postgresRoot, version, 'bin'))
      .find((bin) => existsSync(join(bin, 'initdb')))
  : undefined

/** The redis-server program; undefined when the package is missing. */
export const redisProgram: string | undefined = ['/usr/bin/redis-server', '/usr/local/bin/redis-server'].find(
  existsSync,
)

/** Title of a suite that needs a package: says why it is skipped. */
export function needing(title: string, what: string | undefined, debianPackage: string): string {
  return what ? title : `${title} (skipped: the package ${debianPackage} is not installed)`
}

/** A fresh Postgres cluster. Postgres refuses root, so root runs it as Debian's user `postgres`. */
export async function startPostgres(): Promise<RealServer> {
  const bin = postgresPrograms!
  // Not below TMPDIR: the user `postgres` must be able to walk there.
  const folder = mkdtempSync('/tmp/selvedge-postgres-')
  const root = process.getuid?.() === 0
  if (root) {
    chmodSync(folder, 0o711)
    chownSync(folder, idOf('-u'), idOf('-g'))
  }
  const as = (program: string, args: string[]): [string, string[]] =>
    root ? ['runuser', ['-u', 'postgres', '--', join(bin, program), ...args]] : [join(bin, program), args]
  const data = join(folder, 'data')
  const init = as('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '--locale=C.UTF-8'])
  execFileSync(...init, { cwd: '/', stdio: 'pipe' })
  const port = await freePort()
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off']
  const server = spawn(...as('postgres', ['-D', data, ...settings.flatMap((one) => ['-c', one])]), {
    cwd: '/',
    stdio: 'ignore',
  })
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`
  const { openServer } = await import('../../local/postgres/server.ts')
  await untilReady(server, async () => (await openServer(url)).close())
  return {
    url,
    async stop() {
      const ended = exited(server)
      // Its own process, which may be a child of runuser; INT is its fast shutdown.
      process.kill(Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGINT')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A redis-server that keeps nothing. */
export async function startRedis(): Promise<RealServer> {
  const port = await freePort()
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no']
  const server = spawn(redisProgram!, args, { cwd: '/tmp', stdio: 'ignore' })
  const url = `redis://127.0.0.1:${port}`
  const { openRedisServer } = await import('../../local/redis/backend.ts')
  await untilReady(server, async () => (await openRedisServer(url)).close())
  return {
    url,
    async stop() {
      const ended = exited(server)
      server.kill('SIGTERM')
      await ended
    },
  }
}

async function untilReady(server: ChildProcess, attempt: () => Promise<void>): Promise<void> {
  const failure = () => attempt().then(() => undefined, messageOf)
  const isOver = (failed: string | undefined) => failed === undefined || server.exitCode !== null
  const failed = await eventually(failure, isOver, 30_000)
  if (failed !== undefined) throw new Error(`no server: ${failed}`)
}

function exited(server: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (server.exitCode !== null) resolve()
    else server.once('exit', () => resolve())
  })
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
}

/** A port nobody listens on, now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
