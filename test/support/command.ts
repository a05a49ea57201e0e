/** Runs one of the launcher's commands as operators run it. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { projectRoot } from '../../local/paths.ts'

export interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs `local/commands/<script>.ts` to its end, with `input` on its standard input. */
export function runScript(
  script: string,
  args: string[],
  input = '',
  env: NodeJS.ProcessEnv = {},
): Promise<Ran> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(projectRoot, `local/commands/${script}.ts`), ...args],
    { env: { PATH: process.env.PATH, ...env }, stdio: 'pipe' },
  )
  const ran: Ran = { code: null, stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    ran.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    ran.stderr += chunk
  })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  return new Promise((resolve) => child.once('close', (code) => resolve({ ...ran, code })))
}
