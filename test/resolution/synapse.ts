/** Synapse's state resolution, from PyPI, in a process that answers room by room. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { History } from '../support/resolution/random-history.ts'

/** The version that the histories were compared with last. */
const SYNAPSE = 'matrix-synapse==1.163.2'

const script = fileURLToPath(new URL('./synapse_resolve.py', import.meta.url))

export interface Reference {
  /** For each fork of the room, the ids of the resolved state, sorted. */
  resolve(history: History): Promise<string[][]>
  stop(): void
}

/** Where Synapse is installed, once a machine. */
function environment(): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'selvedge', 'synapse', 'venv')
}

function installedPython(): string {
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

export function startReference(): Reference {
  const child: ChildProcess = spawn(installedPython(), [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  return {
    async resolve(history) {
      child.stdin!.write(`${JSON.stringify(roomOf(history))}\n`)
      const answer = await lines.next()
      if (answer.done === true) throw new Error(`Synapse ended at seed ${history.seed}`)
      return JSON.parse(answer.value) as string[][]
    },
    stop: () => child.stdin!.end(),
  }
}

function roomOf({ dag, forks }: History): object {
  return {
    version: dag.rules.version,
    room_id: dag.roomId,
    events: [...dag.events.values()].map(({ eventId, pdu, rejected }) => ({
      id: eventId,
      pdu,
      rejected: rejected === true,
    })),
    forks: forks.map(({ states }) => states.map((state) => [...state.values()])),
  }
}
