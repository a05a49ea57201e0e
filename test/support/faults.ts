/** Planned faults, and the places in the server that a test waits for in place of sleeping. */
import { expect } from 'vitest'
import { type Answer, type Api, type Client, must, type Query } from './client.ts'
import { eventually } from './eventually.ts'

const FAULTS = '/_selvedge/test/faults'
const PATIENCE = { timeout: 25_000, interval: 5 }

/** Lets the next `count` passes through a fault hook fail. What a place keeps (`hold:`, `keep:`, `copy:`), 0 lets go. */
export async function planFault(http: Api, name: string, count = 1): Promise<void> {
  must(await http.request('POST', FAULTS, { name, count }))
}

const faults = async (http: Api) => must(await http.request('GET', FAULTS)).body

/** Whether every planned pass through a place has been made. */
export async function hasPassed(http: Api, name: string): Promise<boolean> {
  return ((await faults(http)).planned[name] ?? 0) === 0
}

/** Waits for that. */
export async function passed(http: Api, name: string): Promise<void> {
  await expect.poll(() => hasPassed(http, name), PATIENCE).toBe(true)
}

/** Asserts that a planned pass through a place was not made, and plans it no more. */
export async function notPassed(http: Api, name: string): Promise<void> {
  expect((await faults(http)).planned[name] ?? 0).toBe(1)
  await planFault(http, name, 0)
}

/** Waits until something is kept at a place: an answer (`hold:`), a call (`keep:`) or its copy (`copy:`). */
export async function held(http: Api, name: string): Promise<void> {
  await expect.poll(async () => (await faults(http)).held[name] ?? 0, PATIENCE).toBeGreaterThan(0)
}

/**
 * Waits until nothing is under way in the server that followed from the requests so far, and no alarm rings within so
 * many ms: by then the archive and what is sent once more are done, and not what comes in a minute.
 */
export async function settled(http: Api, within = 1_500, patienceMs = PATIENCE.timeout): Promise<void> {
  const ask = () => http.request('GET', '/_selvedge/test/settled', undefined, { query: { within } })
  await eventually(ask, (answer) => must(answer).body.settled, patienceMs)
}

/** Begins a poll, and comes back once it waits at the User object. */
export async function waitingPoll(
  http: Api,
  client: Client,
  query: Query,
): Promise<{ answer: Promise<Answer> }> {
  return waitingRequest(http, client, () => client.sync({ timeout: 20_000, ...query }))
}

/** The same for any request by which a device waits. */
export async function waitingRequest<T = Answer>(
  http: Api,
  { deviceId }: Client,
  ask: () => Promise<T>,
): Promise<{ answer: Promise<T> }> {
  const place = `user:poll-waits:${deviceId}`
  await planFault(http, place)
  const answer = ask()
  await passed(http, place)
  return { answer }
}

/** How many requests wait for news: those of clients that have gone too, until the launcher has seen it. */
export async function waitingRequests(url: string): Promise<number> {
  const answer = await fetch(`${url}/_selvedge/test/waits`)
  return ((await answer.json()) as { waiting: number }).waiting
}

/** Waits until the polls of clients that have gone are over. */
export async function nobodyWaits(url: string): Promise<void> {
  await expect.poll(() => waitingRequests(url), PATIENCE).toBe(0)
}
