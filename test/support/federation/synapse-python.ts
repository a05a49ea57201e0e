/** Synapse from PyPI, in a virtual environment of its own. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The version that this server was compared with last. */
const SYNAPSE = 'matrix-synapse==1.163.2'

/** Where Synapse is installed, once a machine. */
function environment(): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'selvedge', 'synapse', 'venv')
}

/** The Python that knows Synapse; installs what is missing. */
export function synapsePython(): string {
  const folder = environment()
  const python = join(folder, 'bin', 'python')
  const isThere = existsSync(python) && imports(python)
  if (isThere) return python
  console.log(`Installing ${SYNAPSE} into ${folder} (a minute, once)`)
  mkdirSync(folder, { recursive: true })
  execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' })
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', SYNAPSE], { stdio: 'inherit' })
  return python
}

function imports(python: string): boolean {
  try {
    execFileSync(python, ['-c', 'import synapse.event_auth'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
