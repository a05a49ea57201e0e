/** Ties the Workers runtime to this process: it must not outlive it, and tests must find it to kill it. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { projectRoot } from '../paths.ts'
import { StartError } from '../start-error.ts'

export interface RuntimeProcess {
  /** Where each start of the runtime notes its process id. */
  pidFile: string
  /** Variables that `workerd.sh` and the runtime's C library read. */
  env: Record<string, string>
  /** The runtime's process id, once it runs. */
  pid(): number | undefined
}

/** Lets miniflare start the runtime by `workerd.sh`, which notes its id in `folder`. */
export function runtimeProcess(folder: string): RuntimeProcess {
  // Miniflare reads this variable at each start of the runtime, so it stays set.
  process.env.MINIFLARE_WORKERD_PATH = join(projectRoot, 'local', 'runtime', 'workerd.sh')
  const pidFile = join(folder, 'workerd.pid')
  return {
    pidFile,
    env: {
      SELVEDGE_WORKERD: workerdBinary(),
      SELVEDGE_WORKERD_PID_FILE: pidFile,
      GLIBC_TUNABLES: tunables(process.env.GLIBC_TUNABLES),
    },
    pid: () => (existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) || undefined : undefined),
  }
}

/**
 * The runtime's allocator caches by processor only where glibc leaves it the kernel's restartable sequences. By thread it
 * takes a few hundredths more processor time for a message. Other C libraries do not read this.
 */
function tunables(given: string | undefined): string {
  const own = 'glibc.pthread.rseq=0'
  return given === undefined || given === '' ? own : `${given}:${own}`
}

function workerdBinary(): string {
  try {
    const path = (createRequire(import.meta.url)('workerd') as { default: string }).default
    if (existsSync(path)) return path
  } catch {
    // Told below, with what to do about it.
  }
  throw new StartError('workerd is not installed for this machine: run npm ci')
}
