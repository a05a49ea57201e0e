/** The bill of a month of 1,000 active users: counted on a whole server, priced, and held below its budgets. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bill, billOf, type Counts } from '../../../bench/cost/bill.ts'
import { BUDGETS, TOTAL_BUDGET } from '../../../bench/cost/budgets.ts'
import { LOGS_EVERYTHING, readDeployment } from '../../../bench/cost/deployment.ts'
import { OPERATIONS, type Operation } from '../../../bench/cost/month.ts'
import { says, withBill } from '../../../bench/cost/page.ts'
import { PRICES, type Unit } from '../../../bench/cost/prices.ts'
import { costFor } from '../../../bench/cost/units.ts'
import { projectRoot } from '../../../local/paths.ts'
import { type Meter, startMeter } from './meter.ts'
import { countOperations } from './operations.ts'

/** How far a count may be from the page's: what comes together with what else is a matter of moments. */
const LEEWAY = 0.35
const NUMBER = /\d[\d,]*(\.\d+)?/g

const isUpdating = () =>
  (expect.getState().snapshotState as unknown as { _updateSnapshot?: string })._updateSnapshot === 'all'
/** The columns of a table are as wide as their numbers; a number may be written in millions. */
const withoutNumbers = (text: string) =>
  text
    .replaceAll(NUMBER, '#')
    .replaceAll(/# million|#/g, '#')
    .replaceAll(/[ -]+/g, ' ')
const numbersIn = (text: string) =>
  [...text.matchAll(/(\d[\d,]*(?:\.\d+)?)( million)?/g)].map(
    ([, digits = '', million]) => Number(digits.replaceAll(',', '')) * (million === undefined ? 1 : 1e6),
  )

const page = join(projectRoot, 'docs/cost.md')

let meter: Meter
let counts: Counts
let bill: Bill
beforeAll(async () => {
  meter = await startMeter()
  counts = await countOperations(meter)
  bill = billOf(counts, readDeployment())
}, 600_000)
afterAll(() => meter?.stop())

describe('a month of 1,000 active users', () => {
  it('costs no more than its budget', () => {
    expect(bill.total).toBeLessThanOrEqual(TOTAL_BUDGET)
  })

  it.each(Object.keys(PRICES) as Unit[])('keeps to the budget of %s', (unit) => {
    const part = bill.parts.find((one) => one.unit === unit)
    expect(part?.usd).toBeLessThanOrEqual(BUDGETS[unit])
  })

  it.each(Object.keys(OPERATIONS) as Operation[])('keeps to the budget of the operation %s', (operation) => {
    const part = bill.operations.find((one) => one.operation === operation)
    expect(part?.usd).toBeLessThanOrEqual(BUDGETS[operation])
  })

  it('is what docs/cost.md says', async () => {
    const written = readFileSync(page, 'utf8')
    const measured = withBill(written, bill, counts)
    if (isUpdating()) await expect(measured).toMatchFileSnapshot(page)
    expect(withoutNumbers(measured)).toBe(withoutNumbers(written))
    const [then, now] = [numbersIn(written), numbersIn(measured)]
    const apart = now.filter((number, i) => Math.abs(number - then[i]!) > 1 + LEEWAY * then[i]!)
    expect(apart).toEqual([])
  })
})

describe('the count', () => {
  it('sees the requests, calls and rows of each operation', () => {
    const silent = Object.entries(counts).filter(([name, measured]) => {
      const { requests, objectRequests, r2Reads, r2Writes } = costFor(
        measured,
        OPERATIONS[name as Operation].reach,
      )
      return requests + objectRequests + r2Reads + r2Writes < 1
    })
    expect(silent).toEqual([])
    expect(counts.message.base.rowsWritten).toBeGreaterThan(0)
    expect(counts.message.base.rowsRead).toBeGreaterThan(0)
    expect(counts.message.base.alarms + counts.createRoom.base.alarms).toBeGreaterThan(0)
  })

  it('finds that each user that is awake costs a wake, an answer and the next poll', () => {
    expect(counts.message.each.requests).toBeCloseTo(1, 0)
    expect(counts.message.each.objectRequests).toBeCloseTo(2, 0)
  })

  it('prices each line of the log if all lines are kept', () => {
    const logs = (of: Bill) => of.parts.find(({ unit }) => unit === 'logEvents')!.usd
    expect(logs(billOf(counts, LOGS_EVERYTHING))).toBeGreaterThan(100)
  })
})

describe('the page', () => {
  it('counts as the same when numbers differ by a tenth, and as another when they differ by more', () => {
    expect(says('| a | 10.00 |', '| a | 10.90 |')).toBe(true)
    expect(says('| a | 10.00 |', '| a | 13.00 |')).toBe(false)
    expect(says('| a | 10.00 |', '| b | 10.00 |')).toBe(false)
  })
})
