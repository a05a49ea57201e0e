/** What the platforms ask for a month, as data: by unit, with what is included, and where and when it was read. */

/** What is billed. Counted by the tests, but for what `month.ts` assumes. */
export type Unit =
  | 'workerRequests'
  | 'workerCpuMs'
  | 'objectRequests'
  | 'objectGbSeconds'
  | 'rowsRead'
  | 'rowsWritten'
  | 'objectGb'
  | 'logEvents'
  | 'redisCommands'
  | 'postgresHours'
  | 'postgresGb'
  | 'r2Writes'
  | 'r2Reads'
  | 'r2Gb'

export interface Price {
  title: string
  /** For each `per`, beyond `included`. */
  usd: number
  per: number
  included: number
  source: Source
}

interface Source {
  url: string
  /** When it was read. */
  date: string
}

const WORKERS: Source = {
  url: 'https://developers.cloudflare.com/workers/platform/pricing/',
  date: '2026-11',
}
const OBJECTS: Source = {
  url: 'https://developers.cloudflare.com/durable-objects/platform/pricing/',
  date: '2026-11',
}
const R2: Source = { url: 'https://developers.cloudflare.com/r2/pricing/', date: '2026-11' }
const UPSTASH: Source = { url: 'https://upstash.com/pricing/redis', date: '2026-11' }
const NEON: Source = { url: 'https://neon.com/pricing', date: '2026-11' }

const MILLION = 1_000_000

/** Of the Workers Paid plan, with what its 5 USD include, Upstash's pay as you go, and Neon's Launch. */
export const PRICES: Record<Unit, Price> = {
  workerRequests: {
    title: 'Worker requests',
    usd: 0.3,
    per: MILLION,
    included: 10 * MILLION,
    source: WORKERS,
  },
  workerCpuMs: {
    title: "Workers' processor time, ms",
    usd: 0.02,
    per: MILLION,
    included: 30 * MILLION,
    source: WORKERS,
  },
  // RPC calls, requests and alarms. Twenty WebSocket messages to an object are one; to our objects none are sent.
  objectRequests: {
    title: 'object requests',
    usd: 0.15,
    per: MILLION,
    included: MILLION,
    source: OBJECTS,
  },
  objectGbSeconds: {
    title: 'objects awake, GB-s',
    usd: 12.5,
    per: MILLION,
    included: 400_000,
    source: OBJECTS,
  },
  rowsRead: { title: 'rows read', usd: 0.001, per: MILLION, included: 25_000 * MILLION, source: OBJECTS },
  rowsWritten: { title: 'rows written', usd: 1, per: MILLION, included: 50 * MILLION, source: OBJECTS },
  objectGb: { title: "objects' storage, GB", usd: 0.2, per: 1, included: 5, source: OBJECTS },
  // A line on the console is one, and so is the invocation itself where these are logged.
  logEvents: { title: 'log events', usd: 0.6, per: MILLION, included: 20 * MILLION, source: WORKERS },
  redisCommands: { title: 'Redis commands', usd: 0.2, per: 100_000, included: 0, source: UPSTASH },
  postgresHours: { title: 'Postgres, CU-hours', usd: 0.106, per: 1, included: 0, source: NEON },
  postgresGb: { title: "Postgres' storage, GB", usd: 0.35, per: 1, included: 0, source: NEON },
  r2Writes: { title: 'R2 writes and lists', usd: 4.5, per: MILLION, included: MILLION, source: R2 },
  r2Reads: { title: 'R2 reads', usd: 0.36, per: MILLION, included: 10 * MILLION, source: R2 },
  r2Gb: { title: "R2's storage, GB", usd: 0.015, per: 1, included: 10, source: R2 },
}

/** What the plan itself costs a month, USD. */
export const SUBSCRIPTION = 5

/** USD for an amount of a unit, without what is included. */
export function listPrice(unit: Unit, amount: number): number {
  const { usd, per } = PRICES[unit]
  return (amount * usd) / per
}

/** USD a month for an amount of a unit. */
export function billed(unit: Unit, amount: number): number {
  return listPrice(unit, Math.max(0, amount - PRICES[unit].included))
}
