/** Holds a process still, so that nothing of what it writes changes until it goes on. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, StartError } from '../start-error.ts'

/** A thread that the disk keeps stops once its write is done. */
const PATIENCE_MS = 10_000
const AGAIN_MS = 1

/**
 * Stops all threads of a process; answers what lets it go on.
 * @throws StartError where it does not stop, and then it runs as before
 */
export async function freeze(pid: number): Promise<() => void> {
  process.kill(pid, 'SIGSTOP')
  const deadline = Date.now() + PATIENCE_MS
  while (!isStopped(pid)) {
    if (Date.now() > deadline) {
      thaw(pid)
      throw new StartError(`the Workers runtime (process ${pid}) could not be held still`)
    }
    await sleep(AGAIN_MS)
  }
  return () => thaw(pid)
}

/** A process that has died meanwhile needs nothing. */
function thaw(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT')
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

/** The signal is sent to the process, but each of its threads stops by itself. */
function isStopped(pid: number): boolean {
  const tasks = `/proc/${pid}/task`
  if (!existsSync('/proc/self/task')) {
    return execFileSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .startsWith('T')
  }
  return readdirSync(tasks).every((task) => STOPPED.has(stateOf(join(tasks, task, 'stat'))))
}

/** Stopped, and ended. */
const STOPPED = new Set(['T', 't', 'X', 'Z'])

/** The field after the name, which may itself hold spaces and brackets. */
function stateOf(file: string): string {
  try {
    const text = readFileSync(file, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2, text.lastIndexOf(')') + 3)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return 'X'
    throw error
  }
}
