/** Child processes of the bench: started, watched for their ready line, ended by their own pid. */

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const STOP_GRACE_MS = 8_000
const KEPT_OUTPUT = 4_000

export interface Child {
  readonly pid: number
  /** What the ready pattern captured first, or the whole match. */
  readonly ready: string
  stop(signal?: NodeJS.Signals): Promise<void>
}

interface ChildOptions extends SpawnOptions {
  command: string
  args: readonly string[]
  /** Looked for in both output streams. */
  ready: RegExp
  timeoutMs: number
}

type Stop = Child['stop']

const running = new Set<Stop>()
const folders = new Set<string>()

/** Starts a server and resolves when it says that it is ready. */
export function startChild(options: ChildOptions): Promise<Child> {
  const { command, args, ready, timeoutMs, ...spawnOptions } = options
  const child = spawn(command, args, { ...spawnOptions, stdio: ['ignore', 'pipe', 'pipe'] })
  const name = [command, ...args].join(' ').slice(0, 120)
  // Known from here on, so that an interrupted start leaves nothing running.
  const stop = track(child)
  return new Promise((resolve, reject) => {
    let output = ''
    const fail = (why: string) => {
      clearTimeout(timer)
      void stop('SIGTERM')
      reject(new Error(`${name}: ${why}\n${output.slice(-KEPT_OUTPUT)}`))
    }
    const timer = setTimeout(() => fail(`not ready after ${timeoutMs / 1000} s`), timeoutMs)
    const endedEarly = (code: number | null, signal: string | null) =>
      fail(`ended before it was ready (${signal ?? code})`)
    const listen = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-2 * KEPT_OUTPUT)
      const match = ready.exec(output)
      if (match === null || child.pid === undefined) return
      clearTimeout(timer)
      // From here on the output is only drained, so that the pipe never fills.
      for (const stream of [child.stdout, child.stderr]) stream?.removeAllListeners('data').resume()
      child.removeListener('exit', endedEarly)
      resolve({ pid: child.pid, ready: match[1] ?? match[0], stop })
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    child.once('error', (error) => fail(error.message))
    child.once('exit', endedEarly)
  })
}

/** Runs a command to its end; a failure carries its output. */
export function runToEnd(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<void> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  return new Promise((resolve, reject) => {
    let output = ''
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT)
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`${command} ${args.join(' ')}: exit code ${code}\n${output}`)),
    )
  })
}

/** Ends whatever still runs: for the signals that end the bench itself. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((stop) => stop()))
}

/** A signal ends what was started, and then this process. */
export function stopOnSignals(): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => void stopAll().then(() => process.exit(code)))
  }
}

/** A folder for a server's data that goes with the bench, if its server does not take it along before. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `selvedge-${name}-`))
  folders.add(folder)
  return folder
}

process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

function track(child: ChildProcess): Stop {
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
  const stop: Stop = async (signal = 'SIGTERM') => {
    running.delete(stop)
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS)
    await ended
    clearTimeout(force)
  }
  running.add(stop)
  return stop
}
