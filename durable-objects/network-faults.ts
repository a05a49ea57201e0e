/** Tests: what a network may do to a call between objects, where a test has planned it for the operation. */
import { faultsPlanned, hold, takeFault } from '../src/faults.ts'
import { asUnderWay } from '../src/limiter.ts'

/** How long a late call or a late copy is under way, ms. */
const LATE_MS = 150

/** How often a held call looks whether it may go on, ms. */
const LOOK_MS = 5

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** A late call counts as under way. */
const pass = (ms: number) => asUnderWay(() => pause(ms))

const keptAt = (place: string) => hold(place, () => pause(LOOK_MS))

/** The copy of a call, whose answer nobody hears. */
async function again(operation: string, before: Promise<void>, call: () => Promise<unknown>): Promise<void> {
  await before
  await call().catch(() => undefined)
  // No fault: tests wait for this place.
  takeFault(`copied:${operation}`)
}

/** If a test has planned it, fails as the platform does when more calls wait for an object than it can answer. */
export function overloadIfPlanned(operation: string): void {
  if (!takeFault(`overload:${operation}`)) return
  throw Object.assign(new Error('Durable Object is overloaded'), { overloaded: true, retryable: true })
}

/**
 * If a test has planned it, fails as the platform does when an object is reset after its commit and before its answer
 * has arrived: the worst moment for a call that is made again.
 */
export function resetIfPlanned(operation: string): void {
  if (!takeFault(`reset:${operation}`)) return
  throw Object.assign(new Error('Durable Object was reset'), { durableObjectReset: true })
}

/**
 * Sends a call through the planned faults: `drop:` loses it, `late:` delays it, `keep:` keeps it until a test lets it
 * go, `twice:` sends a copy after it, `copy:` one that a test lets go, `slow:` delays its answer, `hold:` keeps that
 * until a test lets it go, `lose:` loses it, and `hang:` keeps it for ever. With none planned it is the call alone.
 */
export function throughFaults<T>(operation: string, call: () => Promise<T>): Promise<T> {
  return faultsPlanned() ? faulty(operation, call) : call()
}

async function faulty<T>(operation: string, call: () => Promise<T>): Promise<T> {
  if (takeFault(`drop:${operation}`)) throw new Error(`A test dropped ${operation}`)
  if (takeFault(`late:${operation}`)) await pass(LATE_MS)
  if (takeFault(`keep:${operation}`)) await keptAt(`keep:${operation}`)
  if (takeFault(`twice:${operation}`)) void again(operation, pass(LATE_MS), call)
  if (takeFault(`copy:${operation}`)) void again(operation, keptAt(`copy:${operation}`), call)
  if (takeFault(`hang:${operation}`)) return new Promise(() => {})
  const answer = await call()
  if (takeFault(`slow:${operation}`)) await pass(LATE_MS)
  if (takeFault(`hold:${operation}`)) await keptAt(`hold:${operation}`)
  if (takeFault(`lose:${operation}`)) throw new Error(`A test lost the answer of ${operation}`)
  return answer
}
