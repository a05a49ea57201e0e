/** How each service of a stack is, and what they have written. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { StartError } from '../start-error.ts'
import { isAlive, logOf, notedOf } from './processes.ts'
import type { ServiceName, Stack } from './service.ts'
import { SERVICES } from './services/index.ts'
import { trouble } from './up.ts'

export interface Health {
  name: ServiceName
  state: 'ready' | 'not ready' | 'stopped'
  detail: string
  pid?: number
}

/** All services that the stack is to have. */
export function healthOf(stack: Stack): Promise<Health[]> {
  return Promise.all(stack.state.services.map((name) => healthOfOne(stack, name)))
}

async function healthOfOne(stack: Stack, name: ServiceName): Promise<Health> {
  const service = SERVICES[name]
  const noted = notedOf(stack.folder, name)
  if (noted === undefined) return { name, state: 'stopped', detail: 'it was not started' }
  if (!isAlive(noted)) {
    return {
      name,
      state: 'stopped',
      detail: `its process ${noted.pid} has ended: ${logOf(stack.folder, name)}`,
    }
  }
  const wrong = await trouble(stack, service)
  return wrong === undefined
    ? { name, state: 'ready', detail: service.address(stack), pid: noted.pid }
    : { name, state: 'not ready', detail: wrong, pid: noted.pid }
}

export function lineOf({ name, state, detail, pid }: Health): string {
  return `${name.padEnd(12)}${state.padEnd(11)}${(pid === undefined ? '' : String(pid)).padEnd(9)}${detail}`
}

/** Prints the ends of logs by the system's own tail; answers its exit code. */
export function showLogs(
  folder: string,
  names: readonly ServiceName[],
  { lines, follow }: { lines: string; follow: boolean },
): Promise<number> {
  const files = names.map((name) => logOf(folder, name)).filter(existsSync)
  if (files.length === 0) throw new StartError('there are no logs: nothing of it was started')
  const child = spawn('tail', ['-v', '-n', lines, ...(follow ? ['-F'] : []), ...files], { stdio: 'inherit' })
  const pass = (signal: NodeJS.Signals) => child.kill(signal)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, pass)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(follow ? 0 : (code ?? 1)))
  })
}
