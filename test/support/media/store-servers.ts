/** A real S3 and a real Kubo on loopback, where the machine has their programs. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { eventually } from '../eventually.ts'
import { freePort } from '../real-servers.ts'

/** Where `test/stores/build.sh` puts what it builds. */
const BUILT = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'selvedge/bin')

interface Program {
  /** As it is called on the PATH; the variable names another. */
  name: string
  variable: string
  /** How it comes onto a machine. */
  install: string
}

export const VERSITYGW: Program = {
  name: 'versitygw',
  variable: 'VERSITYGW',
  install: 'test/stores/build.sh versitygw',
}
export const KUBO: Program = {
  name: 'ipfs',
  variable: 'KUBO',
  install: 'test/stores/build.sh kubo',
}

/** Where a program is; undefined where it is not installed. */
export function pathOf({ name, variable }: Program): string | undefined {
  const named = process.env[variable]
  const folders = [...(process.env.PATH ?? '').split(delimiter), BUILT]
  const places = named ? [named] : folders.map((folder) => join(folder, name))
  return places.find((path) => existsSync(path))
}

export interface StoreServer<Settings> {
  settings: Settings
  pid: number
  stop(): Promise<void>
}

export interface S3Access {
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
}

/** An S3 that keeps its buckets in a folder, and checks signatures. */
export async function startS3(): Promise<StoreServer<S3Access>> {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-s3-'))
  const [data, sidecar] = [join(folder, 'data'), join(folder, 'sidecar')]
  for (const path of [data, sidecar]) mkdirSync(path)
  const port = await freePort()
  const access = { accessKeyId: 'selvedge', secretAccessKey: randomBytes(20).toString('hex') }
  // Metadata beside the files: not every file system of a test machine has extended attributes.
  const args = ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', '--sidecar', sidecar, data]
  const env = { ...process.env, ROOT_ACCESS_KEY: access.accessKeyId, ROOT_SECRET_KEY: access.secretAccessKey }
  const child = spawn(pathOf(VERSITYGW)!, args, { env, stdio: 'ignore', cwd: folder })
  const endpoint = `http://127.0.0.1:${port}`
  await untilAnswers(child, endpoint)
  return { settings: { endpoint, ...access }, pid: child.pid!, stop: () => stopped(child, folder) }
}

export interface KuboAccess {
  api: string
  secret: string
}

/** A Kubo that knows no other, and whose API asks for a secret. */
export async function startKubo(): Promise<StoreServer<KuboAccess>> {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-ipfs-'))
  const env = { ...process.env, IPFS_PATH: folder, IPFS_TELEMETRY: 'off' }
  const program = pathOf(KUBO)!
  execFileSync(program, ['init', '--empty-repo', '--profile', 'test'], { env, stdio: 'pipe' })
  const port = await freePort()
  const secret = `bearer:${randomBytes(20).toString('hex')}`
  const file = join(folder, 'config')
  const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, unknown>>
  config.Addresses = { ...config.Addresses, API: `/ip4/127.0.0.1/tcp/${port}`, Gateway: [], Swarm: [] }
  config.API = {
    ...config.API,
    Authorizations: { selvedge: { AuthSecret: secret, AllowedPaths: ['/api/v0'] } },
  }
  config.Bootstrap = [] as never
  writeFileSync(file, JSON.stringify(config))
  const child = spawn(program, ['daemon', '--offline', '--migrate=false'], {
    env,
    stdio: 'ignore',
    cwd: folder,
  })
  const api = `http://127.0.0.1:${port}`
  await untilAnswers(child, api)
  return { settings: { api, secret }, pid: child.pid!, stop: () => stopped(child, folder) }
}

/** Any answer will do: it listens. */
async function untilAnswers(child: ChildProcess, url: string): Promise<void> {
  const ask = () =>
    fetch(url).then(
      async (answer) => {
        await answer.body?.cancel()
        return true
      },
      () => false,
    )
  const isThere = await eventually(ask, (is) => is || child.exitCode !== null, 60_000)
  if (!isThere) throw new Error(`${child.spawnfile} did not start`)
}

async function stopped(child: ChildProcess, folder: string): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('exit', () => resolve())
  })
  child.kill('SIGTERM')
  await ended
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
