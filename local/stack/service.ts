/** What the stack knows of each of its services: where its programs come from, how it is set up, run and asked. */
import type { ServiceName } from './names.ts'
import type { Programs, Requirement } from './programs.ts'
import type { State } from './state.ts'

export { BY_DEFAULT, FOLLOWS, LOOPBACK, SERVICE_NAMES, type ServiceName } from './names.ts'

/** A stack as its services see it. */
export interface Stack {
  /** Everything that the stack keeps is below it. */
  folder: string
  state: State
}

export interface Command {
  program: string
  args: string[]
  env?: Record<string, string>
  cwd?: string
}

export interface Service {
  name: ServiceName
  /** What it needs on this machine. */
  requires: readonly Requirement[]
  /** The names of its ports; the first is the one that its clients use. */
  ports: readonly string[]
  /** The system user that it runs as if the stack is root's. */
  user?: string
  /** It is started by the stack's own user, and gives its rights away itself. */
  dropsRights?: true
  /** The signal that ends it in good order; TERM unless told. */
  stopSignal?: NodeJS.Signals
  /** How often it is started again that ends at once: what a killed one leaves may take a moment to go. */
  retries?: number
  /** Writes its configuration, and makes what it keeps. Run before each start. */
  prepare(stack: Stack, programs: Programs): Promise<void>
  command(stack: Stack, programs: Programs): Command
  /** Answers once it does what it is for. @throws anything if it does not */
  check(stack: Stack): Promise<unknown>
  /** What is to be known once it is left out. */
  farewell?: string
  /** Where it is reached, without a password. */
  address(stack: Stack): string
}

export const portOf = ({ state }: Stack, name: string): number => {
  const port = state.ports[name]
  if (port === undefined) throw new Error(`no port was chosen for ${name}`)
  return port
}

export const runs = ({ state }: Stack, name: ServiceName): boolean => state.services.includes(name)
