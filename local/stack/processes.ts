/**
 * The processes of a stack: started on their own, noted with the moment they began, and ended only where they are still
 * those that were noted. A process id alone may belong to somebody else by then.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import { codeOf } from '../start-error.ts'
import type { Command } from './service.ts'
import type { Identity } from './users.ts'

const Noted = z.object({
  pid: z.int().min(2),
  began: z.string().min(1),
  /** What it was told, as a hash: there are passwords in it. */
  told: z.string().optional(),
})
export type Noted = z.infer<typeof Noted>

const AGAIN_MS = 50

const fileOf = (folder: string, name: string) => join(folder, 'run', `${name}.json`)
export const logOf = (folder: string, name: string) => join(folder, 'log', `${name}.log`)

/** What was noted of a service's process. */
export function notedOf(folder: string, name: string): Noted | undefined {
  const file = fileOf(folder, name)
  if (!existsSync(file)) return undefined
  try {
    return Noted.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined
  }
}

/** Whether the process that was noted still runs. */
export function isAlive({ pid, began }: Noted): boolean {
  return beganAt(pid) === began
}

/** Whether the process that was noted was told what it would be told today. */
export function isToldAll({ told }: Noted, command: Command): boolean {
  return told === hashOf(command)
}

const hashOf = (command: Command) => createHash('sha256').update(JSON.stringify(command)).digest('hex')

/** Starts a process that outlives this one; what it says goes to its log. */
export function startProcess(
  folder: string,
  name: string,
  command: Command,
  as: Identity | undefined,
): Noted {
  const { program, args, env, cwd } = command
  const log = openSync(logOf(folder, name), 'a', 0o600)
  try {
    const child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: cwd ?? folder,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, LANG: 'C.UTF-8', ...env },
      ...(as !== undefined && { uid: as.uid, gid: as.gid }),
    })
    child.on('error', () => {})
    child.unref()
    const began = child.pid === undefined ? undefined : beganAt(child.pid)
    // One that ended at once is as good as any that has: nothing with this beginning will ever be found.
    const noted = { pid: child.pid ?? 2 ** 31 - 1, began: began ?? 'never', told: hashOf(command) }
    writeFileSync(fileOf(folder, name), JSON.stringify(noted), { mode: 0o600 })
    return noted
  } finally {
    closeSync(log)
  }
}

/**
 * Ends a service's process and what it has left, first by its signal and after `patienceMs` by force.
 * Answers whether anything was there to end.
 */
export async function endProcess(
  folder: string,
  name: string,
  { signal, patienceMs }: { signal: NodeJS.Signals; patienceMs: number },
): Promise<boolean> {
  const noted = notedOf(folder, name)
  if (noted === undefined) return false
  const wasAlive = isAlive(noted)
  if (wasAlive) {
    send(noted.pid, signal)
    if (!(await isGone(() => !isAlive(noted), patienceMs))) send(noted.pid, 'SIGKILL')
    await isGone(() => !isAlive(noted), patienceMs)
  }
  const left = leftBehind(noted)
  for (const pid of left) send(pid, 'SIGKILL')
  await isGone(() => leftBehind(noted).length === 0, patienceMs)
  rmSync(fileOf(folder, name), { force: true })
  return wasAlive || left.length > 0
}

async function isGone(look: () => boolean, patienceMs: number): Promise<boolean> {
  const deadline = Date.now() + patienceMs
  while (!look()) {
    if (Date.now() > deadline) return false
    await sleep(AGAIN_MS)
  }
  return true
}

/**
 * What is left of the group that a noted process led, when that process was killed. Each was started as the leader of
 * its own session, and the system gives no number away again that a session still has. So if something else has this
 * number by now, nothing of ours is left.
 */
function leftBehind({ pid, began }: Noted): number[] {
  const now = beganAt(pid)
  if (began === 'never' || (now !== undefined && now !== began) || !existsSync('/proc/self/stat')) return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((one) => {
      const fields = statOf(one)
      return (
        fields !== undefined && !isEnded(fields) && fields[2] === String(pid) && fields[3] === String(pid)
      )
    })
}

/** Says nothing where the process has gone meanwhile. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

/** When a process began, in a form that no other process of this number has; undefined where it has ended. */
function beganAt(pid: number): string | undefined {
  if (!existsSync('/proc/self/stat')) return beganByPs(pid)
  const fields = statOf(pid)
  if (fields === undefined || isEnded(fields)) return undefined
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`
}

/** Ended, and nobody has asked how. */
const isEnded = ([state]: string[]) => state === 'Z' || state === 'X'

/** The fields of /proc/…/stat after the name: state, parent, group, session, …; the twentieth is when it began. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

function beganByPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return line === '' || line.startsWith('Z') ? undefined : line.split(/\s+/).slice(1).join(' ')
  } catch {
    return undefined
  }
}
