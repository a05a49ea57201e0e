/**
 * The budgets of a month, USD: one for each unit that is billed, and one for each operation at the list price. A test fails
 * where an operation costs more. A change that makes one cheaper lowers its figure here.
 */
import type { Operation } from './month.ts'
import type { Unit } from './prices.ts'

export const TOTAL_BUDGET = 60

export const BUDGETS: Record<Unit | Operation, number> = {
  workerRequests: 14,
  workerCpuMs: 2,
  objectRequests: 19,
  objectGbSeconds: 1,
  rowsRead: 1,
  rowsWritten: 1,
  objectGb: 1,
  logEvents: 1,
  redisCommands: 1,
  postgresHours: 20,
  postgresGb: 3,
  r2Writes: 1,
  r2Reads: 1,
  r2Gb: 1,
  quietPoll: 13,
  message: 12,
  typing: 8,
  typingIdle: 2,
  receipts: 13,
  receiptsIdle: 2,
  presence: 7,
  presenceIdle: 3,
  presenceRooms: 3,
  opening: 2,
  firstNews: 2,
  toDevice: 5,
  keysQuery: 1,
  oneTimeKeys: 1,
  history: 1,
  accountData: 4,
  upload: 1,
  thumbnail: 2,
  download: 1,
  createRoom: 1,
  join: 1,
  login: 1,
}
