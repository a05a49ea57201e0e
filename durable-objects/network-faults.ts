/** Tests: what a network may do to a call between objects, where a test has planned it for the operation. */
import { faultsPlanned, hold, takeFault } from '../src/faults.ts'

/** How long a late call or a late copy is under way, ms. */
const LATE_MS = 150

/** How often a held call looks whether it may go on, ms. */
const LOOK_MS = 5

const pass = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Fails as the platform does where more calls wait for an object than it can answer, if a test has planned that. */
export function overloadIfPlanned(operation: string): void {
  if (!takeFault(`overload:${operation}`)) return
  throw Object.assign(new Error('Durable Object is overloaded'), { overloaded: true, retryable: true })
}

/**
 * Sends a call through the planned faults: `drop:` loses it, `late:` holds it, `twice:` sends a copy after it,
 * `slow:` delays its answer, `hold:` keeps that until a test lets it go, `lose:` loses it, and `hang:` keeps it for
 * ever. With none planned it is the call alone.
 */
export async function throughFaults<T>(operation: string, call: () => Promise<T>): Promise<T> {
  if (!faultsPlanned()) return call()
  if (takeFault(`drop:${operation}`)) throw new Error(`A test dropped ${operation}`)
  if (takeFault(`late:${operation}`)) await pass(LATE_MS)
  if (takeFault(`twice:${operation}`))
    void pass(LATE_MS)
      .then(call)
      .catch(() => undefined)
  if (takeFault(`hang:${operation}`)) return new Promise(() => {})
  const answer = await call()
  if (takeFault(`slow:${operation}`)) await pass(LATE_MS)
  if (takeFault(`hold:${operation}`)) await hold(`hold:${operation}`, () => pass(LOOK_MS))
  if (takeFault(`lose:${operation}`)) throw new Error(`A test lost the answer of ${operation}`)
  return answer
}
