/** Starts what does not run, in order, each once the one before it answers; and ends it all again if one does not. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { patiently } from '../../src/patience.ts'
import { readOptions } from '../options/options.ts'
import { messageOf, StartError } from '../start-error.ts'
import { endProcess, isAlive, isToldAll, logOf, notedOf, startProcess } from './processes.ts'
import { findPrograms, type Programs } from './programs.ts'
import { BY_DEFAULT, SERVICE_NAMES, type Service, type ServiceName, type Stack } from './service.ts'
import { SERVICES } from './services/index.ts'
import { optionsOf } from './services/selvedge.ts'
import { choosePorts, makeFolder, newState, readState, type State, writeState } from './state.ts'
import { identityOf } from './users.ts'

/** A first start makes a cluster, bundles the Workers, and all that beside other work. */
const READY_MS = 120_000
const AGAIN_MS = 200
/** Between two starts of what ends at once. */
const PAUSE_MS = 500
const END_MS = 20_000

type Say = (line: string) => void

export interface Up {
  stack: Stack
  /** What did not run before. */
  started: ServiceName[]
}

/** @throws StartError after which nothing runs that did not run before */
export async function up(folder: string, change: (state: State) => void, say: Say): Promise<Up> {
  const state = readState(folder) ?? newState(BY_DEFAULT)
  const before = state.services
  change(state)
  const names = state.services
  const services = names.map((name) => SERVICES[name])
  makeFolder(folder)
  const stack: Stack = { folder, state }
  await choosePorts(
    state,
    services.flatMap(({ ports }) => ports),
  )
  readOptions(optionsOf(stack), {})
  const required = services.flatMap(({ name, requires }) =>
    requires.map((one) => ({ ...one, service: name })),
  )
  const programs = await findPrograms(required, folder, say)
  writeState(folder, state)
  for (const name of before.filter((one) => !names.includes(one)).reverse()) {
    await end(folder, name)
    const { farewell } = SERVICES[name]
    say(`${name} is left out${farewell === undefined ? '' : `: ${farewell}`}`)
  }
  const started: ServiceName[] = []
  try {
    for (const service of services) {
      if (await runsWell(stack, service, programs)) {
        say(`${service.name} runs already: ${service.address(stack)}`)
        continue
      }
      started.push(service.name)
      await start(stack, service, programs)
      say(`${service.name} is ready: ${service.address(stack)}`)
    }
  } catch (error) {
    for (const name of started.reverse()) await end(folder, name)
    throw error
  }
  return { stack, started }
}

/** Ends all services, those that were left out later as well. Answers which of them ran. */
export async function down(folder: string): Promise<ServiceName[]> {
  const ended: ServiceName[] = []
  for (const name of [...SERVICE_NAMES].reverse()) if (await end(folder, name)) ended.push(name)
  return ended
}

function end(folder: string, name: ServiceName): Promise<boolean> {
  const { stopSignal = 'SIGTERM' } = SERVICES[name]
  return endProcess(folder, name, { signal: stopSignal, patienceMs: END_MS })
}

async function runsWell(stack: Stack, service: Service, programs: Programs): Promise<boolean> {
  const noted = notedOf(stack.folder, service.name)
  if (noted === undefined || !isAlive(noted)) return false
  if ((await trouble(stack, service)) !== undefined) return false
  // With other options, or beside other services, it is another one.
  return isToldAll(noted, service.command(stack, programs))
}

/** How long a service may take to show that it is well, ms. */
const CHECK_MS = 10_000

/** Why a service does not do what it is for; undefined if it does. */
export async function trouble(stack: Stack, service: Service): Promise<string | undefined> {
  const checked = service.check(stack).then(() => 'well', messageOf)
  const outcome = (await patiently(CHECK_MS, checked)) ?? 'it does not answer'
  return outcome === 'well' ? undefined : outcome
}

async function start(stack: Stack, service: Service, programs: Programs): Promise<void> {
  // What is there does not answer, or has left something behind.
  await end(stack.folder, service.name)
  await service.prepare(stack, programs)
  const { retries = 0 } = service
  const as = service.dropsRights ? undefined : identityOf(service)
  for (let tries = 0; ; tries += 1) {
    const noted = startProcess(stack.folder, service.name, service.command(stack, programs), as)
    const deadline = Date.now() + READY_MS
    let wrong: string | undefined
    do {
      if (!isAlive(noted)) break
      wrong = await trouble(stack, service)
      // Another process may be what answers there.
      if (wrong === undefined && isAlive(noted)) return
      await sleep(AGAIN_MS)
    } while (Date.now() < deadline)
    if (isAlive(noted))
      throw new StartError(`${service.name} does not answer: ${wrong} (${logOf(stack.folder, service.name)})`)
    if (tries === retries)
      throw new StartError(`${service.name} ended at once: ${lastLine(stack.folder, service.name)}`)
    await sleep(PAUSE_MS)
  }
}

function lastLine(folder: string, name: string): string {
  const file = logOf(folder, name)
  const line = readFileSync(file, 'utf8').trimEnd().split('\n').at(-1)
  return line === undefined || line === '' ? `it says nothing in ${file}` : `${line} (${file})`
}
