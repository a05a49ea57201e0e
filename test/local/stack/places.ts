/** Where the tests of the stack keep their stacks, and how they look at what runs there. */
import { chmodSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { inPath, inPostgres } from '../../../local/stack/programs.ts'
import { type Ran, runScript } from '../../support/command.ts'
import { KUBO, pathOf } from '../../support/media/store-servers.ts'
import { temporaryFolders } from '../folders.ts'

/** What the tests lack on this machine; undefined: nothing. */
export const lacking: string | undefined = [
  ['postgresql', inPostgres('initdb')],
  ['redis-server', inPath('redis-server')],
  ['nginx', inPath('nginx')],
  ['prometheus', inPath('prometheus')],
  ['openssl', inPath('openssl')],
].find(([, path]) => path === undefined)?.[0]

export function needingStack(title: string): string {
  return lacking === undefined ? title : `${title} (skipped: the package ${lacking} is not installed)`
}

// Not below TMPDIR: root's services run as users of their own, who must be able to walk there.
const folders = temporaryFolders('/tmp/selvedge-stack-')

export function stackFolder(): string {
  const folder = folders.make()
  chmodSync(folder, 0o711)
  return join(folder, 'stack')
}

/** Ends what a failed test has left, and removes the folders. */
export const removeStacks = () => folders.remove((folder) => stack('down', join(folder, 'stack')))

export const stack = (command: string, folder: string, ...more: string[]): Promise<Ran> =>
  runScript('../stack/main', [command, '--folder', folder, ...more], '', {
    HOME: process.env.HOME,
    PATH: [process.env.PATH, ...builtPlaces].join(delimiter),
  })

/** Where Kubo is, which may have been built for tests alone. */
const builtPlaces = [pathOf(KUBO)].flatMap((path) => (path === undefined ? [] : dirname(path)))

/** The process ids of a stack's services, as they were noted. */
export function pidsIn(folder: string): Record<string, number> {
  const files = readdirSync(join(folder, 'run')).filter((name) => name.endsWith('.json'))
  return Object.fromEntries(
    files.map((name) => [
      name.replace('.json', ''),
      Number(JSON.parse(readFileSync(join(folder, 'run', name), 'utf8')).pid),
    ]),
  )
}

/** All processes that have anything to do with a folder: by their command lines, and by what they have open. */
export function processesOf(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => touches(pid, folder))
    .map((pid) => `${pid} ${commandLine(pid)}`)
}

function touches(pid: string, folder: string): boolean {
  if (commandLine(pid).includes(folder)) return true
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) =>
      readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(folder),
    )
  } catch {
    return false
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
