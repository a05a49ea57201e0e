/** The programs of the services: found on this machine, or installed, or named in one line with what would bring them. */
import { execFile, execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { codeOf, messageOf, StartError } from '../start-error.ts'

const run = promisify(execFile)

/** Paths by the names that services give them. */
export type Programs = Record<string, string>

export interface Requirement {
  name: string
  /** How it is called in a sentence, if its name says too little. */
  what?: string
  /** Where it is, if it is. `folder`: that of the stack. */
  find(folder: string): string | undefined
  /** Debian's package of it. */
  debian?: string
  /** Makes or fetches it into the stack's folder, where it is no package of Debian's. */
  fetch?: { says: string; run(folder: string): Promise<void> }
}

/** Debian keeps some programs where the paths of users do not lead. */
const ALSO = ['/usr/sbin', '/sbin', '/usr/local/sbin']

/** A program of the path. */
export function inPath(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...ALSO]
  return folders
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find(isExecutable)
}

/** A program of the newest Postgres that Debian has installed. */
export function inPostgres(name: string): string | undefined {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  return versions.map((version) => join(root, version, 'bin', name)).find(isExecutable) ?? inPath(name)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Finds all of it, and brings what is missing.
 * @param say told of what takes a while
 * @throws StartError naming everything that cannot be had, and the line that brings it
 */
export async function findPrograms(
  required: readonly (Requirement & { service: string })[],
  folder: string,
  say: (line: string) => void,
): Promise<Programs> {
  const missing = () => required.filter((one) => one.find(folder) === undefined)
  const packages = [...new Set(missing().flatMap(({ debian }) => debian ?? []))]
  if (packages.length > 0) await install(packages, say)
  for (const { fetch } of missing()) {
    if (fetch === undefined) continue
    say(fetch.says)
    await fetch.run(folder)
  }
  const lacking = missing()
  if (lacking.length > 0) throw new StartError(lacking.map(lineOf).join('; '))
  return Object.fromEntries(required.map((one) => [one.name, one.find(folder)!]))
}

function lineOf({ name, what = name, service, debian }: Requirement & { service: string }): string {
  const how = debian === undefined ? 'install it' : `run: sudo apt-get install ${debian}`
  return `${service} needs ${what}, which is not on this machine: ${how}, or leave it out by --without ${service}`
}

/** By apt, where that needs no question. What Debian would start by itself, it is told not to. */
async function install(packages: string[], say: (line: string) => void): Promise<void> {
  if (inPath('apt-get') === undefined) return
  const before = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  if (before.length > 0 && !mayAsRoot()) return
  say(`installing ${packages.join(', ')} by apt-get`)
  const apt = async (...args: string[]) => {
    const [program, ...rest] = [
      ...before,
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      'RUNLEVEL=1',
      'apt-get',
      ...args,
    ]
    await run(program!, rest)
  }
  try {
    await apt('update', '-q')
    await apt('install', '-qy', '--no-install-recommends', ...packages)
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    say(`apt-get failed: ${stderr.trim().split('\n').at(-1) || messageOf(error)}`)
  }
}

function mayAsRoot(): boolean {
  try {
    execFileSync('sudo', ['-n', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Runs a program to its end. @throws StartError with the last line of what it said */
export async function runProgram(
  program: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; uid?: number; gid?: number } = {},
): Promise<string> {
  try {
    return (await run(program, args, { maxBuffer: 16 * 1024 * 1024, ...options })).stdout
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new StartError(`${program} is not there`)
    const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string }
    const said = (stderr || stdout).trim().split('\n').at(-1)
    throw new StartError(`${program} failed: ${said || messageOf(error)}`)
  }
}
