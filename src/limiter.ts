/** Cloudflare's limits, which do not exist on one machine: in tests, an invocation that passes one is refused by name. */
import { AsyncLocalStorage } from 'node:async_hooks'

/** What one invocation may do. All that runs in an object shares this; each call from outside adds to `calls` again. */
export const LIMITS = {
  /** Requests over HTTP that wait for their answer. The platform lets the seventh queue behind hung ones. */
  waitingFetches: 6,
  /** Outgoing calls, RPCs and requests over HTTP together. */
  calls: 500,
  /**
   * Calls of Workers by service bindings, our own `FanOut` among them: for a request and all that it sets off, so that
   * what is called in this way calls none itself. Each run of an object's method has its own.
   */
  services: 32,
  /**
   * Characters of an RPC value's JSON: a client's body, of 1 MiB at most, and what stands around it. An isolate's
   * 128 MB are shared by many objects.
   */
  valueLength: 1_200_000,
  /** The same for RPCs that hand over what a client's answer is made of. The platform's own limit is 32 MiB. */
  largeValueLength: 8_000_000,
} as const

export type Limit = keyof typeof LIMITS

/** The platform would have refused or delayed this call. */
export class LimitPassed extends Error {
  override readonly name = 'LimitPassed'

  constructor(limit: Limit, operation: string) {
    super(`${operation} passes the limit ${limit}, ${LIMITS[limit]}`)
  }
}

/** What an invocation has spent, or all that runs in an object. */
interface Spent {
  calls: number
  waiting: number
  name?: string
  /** Methods of the object that have not answered yet, and requests of its own that wait. */
  running: number
  /** Calls of the object to others that have no answer yet. */
  underWay: number
}

/** One run: it shares what its object may spend, but for the calls of services. */
interface Invocation {
  spent: Spent
  services: number
}

const current = new AsyncLocalStorage<Invocation>()
/** What the objects in memory have spent, by their names. */
const awake = new Map<string, Spent>()
/** When the alarms of objects ring, by the objects' names. */
const alarms = new Map<string, number>()
/** An alarm that rings within this time is as good as running, ms: an eviction that meets it takes 15 s. */
const ALARM_IS_NEAR_MS = 50
const breaches = new Set<string>()

/** Every breach in this isolate so far: a caller that survives failures would hide the error. */
export function passedLimits(): string[] {
  return [...breaches]
}

/** Runs one invocation within the limits. Outside of one, nothing below limits anything. */
export function withinLimits<T>(work: () => T): T {
  const spent: Spent = { calls: 0, waiting: 0, running: 0, underWay: 0 }
  return current.run({ spent, services: LIMITS.services }, work)
}

/**
 * Counts an outgoing call of the running invocation.
 * @throws LimitPassed
 */
export function countCall(operation: string): void {
  const spent = current.getStore()?.spent
  if (spent === undefined) return
  spent.calls += 1
  if (spent.calls > LIMITS.calls) refuse('calls', operation)
}

/**
 * Counts a call by a service binding.
 * @throws LimitPassed
 */
export function countService(operation: string): void {
  countCall(operation)
  const invocation = current.getStore()
  if (invocation === undefined) return
  invocation.services -= 1
  if (invocation.services < 0) refuse('services', operation)
}

/** The same `send`, counted, and refused while too many requests wait. */
export function limitedFetch(operation: string, send: typeof fetch): typeof fetch {
  return async (input, init) => {
    countCall(operation)
    const spent = current.getStore()?.spent
    if (spent === undefined) return send(input, init)
    if (spent.waiting >= LIMITS.waitingFetches) refuse('waitingFetches', operation)
    spent.waiting += 1
    try {
      return await asUnderWay(() => asRunning(spent, () => send(input, init)))
    } finally {
      spent.waiting -= 1
    }
  }
}

/**
 * Looks at what an RPC carries, one way or the other.
 * @param isLarge the value is what one client's answer is made of, and grows with a room
 * @throws LimitPassed
 */
export function checkValue(operation: string, value: unknown, isLarge: boolean): void {
  if (current.getStore() === undefined) return
  const limit = isLarge ? 'largeValueLength' : 'valueLength'
  if ((JSON.stringify(value) ?? '').length > LIMITS[limit]) refuse(limit, operation)
}

/** The name of the object in which this runs. */
export function runningObject(): string | undefined {
  return current.getStore()?.spent.name
}

/**
 * The methods of an object's class share what the object may spend; each call from outside tops up the calls.
 * @param rang told of each alarm
 * @param services what each run of a method may call by service bindings
 */
export function limitCalls(
  { prototype }: { prototype: object },
  rang: () => void = () => {},
  services: number = LIMITS.services,
): void {
  const spentBy = new WeakMap<object, Spent>()
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    const method: unknown = property.value
    if (name === 'constructor' || typeof method !== 'function') continue
    const limited = function (this: object, ...args: unknown[]): unknown {
      const { name: objectName } = (this as NamedObject).ctx?.id ?? {}
      const spent = spentBy.get(this) ?? { calls: 0, waiting: 0, running: 0, underWay: 0, name: objectName }
      spentBy.set(this, spent)
      spent.calls = 0
      if (objectName !== undefined) awake.set(objectName, spent)
      if (objectName !== undefined && name === 'alarm') alarms.delete(objectName)
      if (name === 'alarm') rang()
      return current.run({ spent, services }, () => asRunning(spent, () => method.apply(this, args)))
    }
    Object.defineProperty(prototype, name, { ...property, value: limited })
  }
}

interface NamedObject {
  ctx?: { id?: { name?: string } }
}

function asRunning<T>(spent: Spent, work: () => T): T {
  const end = () => {
    spent.running -= 1
  }
  spent.running += 1
  try {
    const value = work()
    if (value instanceof Promise) return value.finally(end) as T
    end()
    return value
  } catch (error) {
    end()
    throw error
  }
}

/** Runs a call of an object whose answer only a test may wait for. */
export function asUnderWay<T>(call: () => Promise<T>): Promise<T> {
  const spent = current.getStore()?.spent
  return spent === undefined ? call() : countedUnderWay(spent, call)
}

async function countedUnderWay<T>(spent: Spent, call: () => Promise<T>): Promise<T> {
  spent.underWay += 1
  try {
    return await call()
  } finally {
    spent.underWay -= 1
  }
}

/** Notes when the alarm of the object rings in which this runs. */
export function noteAlarm(at: number): void {
  const name = current.getStore()?.spent.name
  if (name !== undefined) alarms.set(name, at)
}

/** What was asked of the tables, by the kind of object. */
const statements: Record<string, Set<string>> = {}

/** Notes a statement of the object that this runs in, for the test that looks at the plans. */
export function noteStatement(query: string): void {
  const kind = current.getStore()?.spent.name?.split('/')[1]
  if (kind === undefined) return
  statements[kind] ??= new Set()
  statements[kind].add(query)
}

/** Every statement so far. */
export function statementsOf(kind: string): string[] {
  return [...(statements[kind] ?? [])]
}

const isIdle = (name: string, { running }: Spent, now: number) =>
  running === 0 && (alarms.get(name) ?? Number.POSITIVE_INFINITY) > now + ALARM_IS_NEAR_MS

/** Whether nothing runs in any object, and nothing is about to. */
export function isQuiet(now: number): boolean {
  return [...awake].every(([name, spent]) => isIdle(name, spent, now))
}

/** Whether all that follows from earlier requests is done: no object has anything under way, nor an alarm until `until` (ms). */
export function isSettled(until: number): boolean {
  return (
    [...awake.values()].every(({ running, underWay }) => running === 0 && underWay === 0) &&
    [...alarms.values()].every((at) => at > until)
  )
}

/** The names of the objects that were called and, but for the busy ones, not named since: a test evicts the idle ones. */
export function takeInMemory(now: number): { idle: string[]; busy: string[] } {
  const all = [...awake]
  const idle = all.filter(([name, spent]) => isIdle(name, spent, now)).map(([name]) => name)
  const busy = all.map(([name]) => name).filter((name) => !idle.includes(name))
  for (const name of idle) awake.delete(name)
  return { idle, busy }
}

function refuse(limit: Limit, operation: string): never {
  breaches.add(`${operation}: ${limit}`)
  throw new LimitPassed(limit, operation)
}

/** Marks a value that answers several requests. Tests freeze it with all it holds: a change throws an error. */
export function shared<T>(value: T): T {
  if (current.getStore() === undefined) return value
  freeze(value)
  return value
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const part of Object.values(value)) freeze(part)
}
