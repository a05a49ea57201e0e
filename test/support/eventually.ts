/** Waiting for something to come true: the one place of the tests that sleeps, between two looks. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Between two looks, ms. */
const LOOK_MS = 20

/** Asks until the answer is as wanted. @throws Error with the last answer when it never was */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  isWanted: (answer: T) => boolean,
  patienceMs = 15_000,
): Promise<T> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const answer = await ask()
    if (isWanted(answer)) return answer
    if (Date.now() > deadline) throw new Error(`never as wanted; at last: ${JSON.stringify(answer)}`)
    await sleep(LOOK_MS)
  }
}
