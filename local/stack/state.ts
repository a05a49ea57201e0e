/** What a stack remembers between its commands: which services it has, their ports, and the passwords between them. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { systemRandom } from '../../src/system.ts'
import { claimPort } from '../options/address.ts'
import { StartError } from '../start-error.ts'
import { LOOPBACK, SERVICE_NAMES, type ServiceName } from './names.ts'

const FILE = 'stack.json'
const SECRET_LENGTH = 32

const newSecret = () => systemRandom.token(SECRET_LENGTH)

const State = z.object({
  format: z.literal(1),
  services: z.array(z.enum(SERVICE_NAMES)),
  ports: z.record(z.string(), z.int().min(1).max(65535)),
  secrets: z.object({
    postgres: z.string(),
    redis: z.string(),
    metrics: z.string(),
    // A stack of before they were there gets them with its next start.
    kubo: z.string().default(newSecret),
    registration: z.string().default(newSecret),
  }),
  /** What `npm start` is told beside what the stack itself says. */
  options: z.array(z.string()),
  /** A certificate of the operator's; the stack makes its own without. */
  tls: z.object({ cert: z.string(), key: z.string() }).optional(),
})

export type State = z.infer<typeof State>

/** The state of a stack; undefined where none was ever started. @throws StartError where it cannot be read */
export function readState(folder: string): State | undefined {
  const file = join(folder, FILE)
  if (!existsSync(file)) return undefined
  const state = State.safeParse(parsed(readFileSync(file, 'utf8')))
  if (!state.success) throw new StartError(`${file} cannot be read: it is damaged, or of another version`)
  return state.data
}

export function newState(services: readonly ServiceName[]): State {
  return {
    format: 1,
    services: [...services],
    ports: {},
    secrets: {
      postgres: newSecret(),
      redis: newSecret(),
      metrics: newSecret(),
      kubo: newSecret(),
      registration: newSecret(),
    },
    options: [],
  }
}

export function writeState(folder: string, state: State): void {
  const file = join(folder, FILE)
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** Others may walk through the folder, since services run as users of their own; they may not look into it. */
export function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  chmodSync(folder, 0o711)
  for (const name of ['log', 'run']) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 })
}

/** Chooses a free port for each name that has none. Chosen ones stay, so that clients find the server again. */
export async function choosePorts(state: State, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (state.ports[name] !== undefined) continue
    let port: number
    do port = await claimPort(LOOPBACK, 0, 'port')
    while (Object.values(state.ports).includes(port))
    state.ports[name] = port
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
