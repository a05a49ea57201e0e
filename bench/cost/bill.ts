/** The bill of a month: what was counted, times how often it happens, times what it costs. */
import type { Deployment } from './deployment.ts'
import { ASSUMED, MESSAGES, OPERATIONS, type Operation, USERS } from './month.ts'
import { billed, listPrice, PRICES, SUBSCRIPTION, type Unit } from './prices.ts'
import { type Counted, costFor, type Measured, scaled } from './units.ts'

export type Amounts = Record<Unit, number>
export type Counts = Record<Operation, Measured>

export interface Bill {
  /** USD by unit, what is included taken off. */
  parts: { unit: Unit; title: string; amount: number; usd: number }[]
  /** USD by operation at the list price: what is included belongs to no one operation. */
  operations: { operation: Operation; title: string; amounts: Amounts; usd: number }[]
  /** With the plan itself. */
  total: number
}

const UNITS = Object.keys(PRICES) as Unit[]

const noAmounts = (): Amounts => Object.fromEntries(UNITS.map((unit) => [unit, 0])) as Amounts

export function billOf(counts: Counts, deployment: Deployment): Bill {
  const operations = (Object.keys(OPERATIONS) as Operation[]).map((operation) => {
    const { title, times, reach } = OPERATIONS[operation]
    const amounts = amountsOf(scaled(costFor(counts[operation], reach), times * USERS), deployment)
    return {
      operation,
      title,
      amounts,
      usd: UNITS.reduce((sum, unit) => sum + listPrice(unit, amounts[unit]), 0),
    }
  })
  const kept = keptAmounts()
  const parts = UNITS.map((unit) => {
    const amount = operations.reduce((sum, { amounts }) => sum + amounts[unit], kept[unit])
    return { unit, title: PRICES[unit].title, amount, usd: billed(unit, amount) }
  })
  return { parts, operations, total: parts.reduce((sum, { usd }) => sum + usd, SUBSCRIPTION) }
}

/** What is billed for what was counted. */
function amountsOf(counted: Counted, deployment: Deployment): Amounts {
  const objectRequests = counted.objectRequests + counted.alarms
  const awakeSeconds = objectRequests * ASSUMED.objectSeconds + counted.heldMs / 1000
  return {
    ...noAmounts(),
    workerRequests: counted.requests,
    workerCpuMs: counted.requests * ASSUMED.workerCpuMs,
    objectRequests,
    objectGbSeconds: awakeSeconds * ASSUMED.objectGb,
    rowsRead: counted.rowsRead,
    rowsWritten: counted.rowsWritten,
    logEvents: logEvents(counted, objectRequests, deployment),
    redisCommands: counted.redisCommands,
    r2Writes: counted.r2Writes,
    r2Reads: counted.r2Reads,
  }
}

function logEvents(
  { requests, refusals, lines }: Counted,
  objectRequests: number,
  { logSample, keptEvents, invocationLogs }: Deployment,
): number {
  const invocations = invocationLogs ? requests + objectRequests : 0
  const ofSuccesses = (requests - refusals) * logSample
  return (invocations + ofSuccesses + refusals + lines) * keptEvents
}

/** The amounts of a month in which nobody does anything: the storage of all months before. */
function keptAmounts(): Amounts {
  const kept = MESSAGES * USERS * ASSUMED.months
  const uploads = OPERATIONS.upload.times * USERS * ASSUMED.months
  return {
    ...noAmounts(),
    objectGb: (kept * ASSUMED.messageBytes) / 1e9,
    postgresHours: ASSUMED.postgresUnits * ASSUMED.hours,
    postgresGb: (kept * ASSUMED.archivedBytes) / 1e9,
    r2Gb: (uploads * ASSUMED.uploadBytes) / 1e9,
  }
}
