/** Runs the pinned wrangler, which alone speaks to Cloudflare for us. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { projectRoot } from '../paths.ts'

export interface WranglerRun {
  code: number
  stdout: string
  /** Both outputs, in the order of their coming. */
  said: string
}

const PROGRAM = join(projectRoot, 'node_modules', 'wrangler', 'bin', 'wrangler.js')

/** Runs `wrangler` with these arguments to its end; it never asks anything back. @param tell is given what it says */
export function wrangler(args: string[], tell: (text: string) => void = () => {}): Promise<WranglerRun> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_HIDE_BANNER: 'true',
      CI: 'true',
      NO_COLOR: '1',
    },
  })
  const run = { stdout: '', said: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    run.stdout += chunk
    run.said += chunk
    tell(String(chunk))
  })
  child.stderr.on('data', (chunk: Buffer) => {
    run.said += chunk
    tell(String(chunk))
  })
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: 1, stdout: '', said: error.message }))
    child.once('close', (code) => resolve({ code: code ?? 1, ...run }))
  })
}
