/**
 * What a month may cost, USD: by what is billed, and by operation at the list price. A change that costs more fails the
 * test of its operation; one that costs less lowers the figure here.
 */
import type { Operation } from './month.ts'
import type { Unit } from './prices.ts'

export const TOTAL_BUDGET = 380

export const BUDGETS: Record<Unit | Operation, number> = {
  workerRequests: 33,
  workerCpuMs: 3,
  objectRequests: 36,
  objectGbSeconds: 3,
  rowsRead: 1,
  rowsWritten: 1,
  objectGb: 1,
  logEvents: 270,
  redisCommands: 10,
  postgresHours: 20,
  postgresGb: 3,
  r2Writes: 1,
  r2Reads: 1,
  r2Gb: 1,
  quietPoll: 55,
  message: 37,
  typing: 67,
  receipts: 135,
  presence: 86,
  presenceRooms: 11,
  opening: 3,
  firstNews: 3,
  toDevice: 7,
  keysQuery: 1,
  oneTimeKeys: 1,
  history: 3,
  accountData: 5,
  upload: 1,
  thumbnail: 6,
  download: 1,
  createRoom: 1,
  join: 1,
  login: 1,
}
