/** The tables of `docs/cost.md`: written from a run of the test, and held true by it. */
import type { Bill, Counts } from './bill.ts'
import { BUDGETS, TOTAL_BUDGET } from './budgets.ts'
import { OPERATIONS, type Operation } from './month.ts'
import { PRICES, SUBSCRIPTION, type Unit } from './prices.ts'
import { costFor } from './units.ts'

const BEGIN = '<!-- bill: written by `npm test -- test/bench/cost --update` -->'
const END = '<!-- end of bill -->'

/** Two runs may differ by this much: some answers carry more than one piece of news. */
const NEAR = 0.2
const NEAR_BY = 1

/** The page with the tables of this run, or the page as it is if both differ only by the noise of counting. */
export function withBill(page: string, bill: Bill, counts: Counts): string {
  const [before = '', rest = ''] = page.split(BEGIN)
  const [tables = '', after] = rest.split(END)
  if (after === undefined) throw new Error('docs/cost.md has lost the marks around its tables')
  const made = [partsTable(bill), operationsTable(bill, counts)].join('\n\n')
  return says(tables, made) ? page : [before, BEGIN, '\n\n', made, '\n\n', END, after].join('')
}

/** Whether two texts are the same except for their numbers, and these are close. */
export function says(known: string, made: string): boolean {
  const words = (text: string) => text.trim().replace(NUMBER, '#')
  if (words(known) !== words(made)) return false
  const [old, now] = [numbersIn(known), numbersIn(made)]
  return old.every((number, i) => Math.abs(number - now[i]!) <= Math.max(NEAR_BY, NEAR * number))
}

const NUMBER = /\d[\d,]*(\.\d+)?/g

const numbersIn = (text: string) =>
  (text.match(NUMBER) ?? []).map((number) => Number(number.replaceAll(',', '')))

function partsTable({ parts, total }: Bill): string {
  const rows = parts.map(({ unit, title, amount, usd }) => {
    const { usd: price, per, included } = PRICES[unit]
    return [title, amountOf(amount), amountOf(included), priceOf(price, per), usd.toFixed(2), budgetOf(unit)]
  })
  return table(
    ['what is billed', 'a month', 'of it included', 'USD', 'USD a month', 'budget'],
    [
      ...rows,
      ['the plan itself', '', '', '', SUBSCRIPTION.toFixed(2), ''],
      ['**in all**', '', '', '', `**${total.toFixed(2)}**`, `**${TOTAL_BUDGET}**`],
    ],
  )
}

function operationsTable({ operations }: Bill, counts: Counts): string {
  const rows = operations.map(({ operation, title, usd }) => {
    const { times, reach } = OPERATIONS[operation]
    const once = costFor(counts[operation], reach)
    const figures = [once.requests, once.objectRequests + once.alarms, once.rowsWritten, once.redisCommands]
    return [
      title,
      amountOf(times),
      reach === 0 ? '' : reach.toFixed(0),
      ...figures.map(figureOf),
      usd.toFixed(2),
      budgetOf(operation),
    ]
  })
  const head = [
    'operation',
    'times a month and user',
    'reaches',
    'Worker requests',
    'object requests',
    'rows written',
    'Redis commands',
    'USD a month',
    'budget',
  ]
  return table(head, rows)
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n')
}

const budgetOf = (name: Unit | Operation) => String(BUDGETS[name])

function priceOf(usd: number, per: number): string {
  return per === 1 ? `${usd} each` : `${Number(((usd * 1_000_000) / per).toPrecision(3))} a million`
}

function amountOf(amount: number): string {
  if (amount >= 1_000_000) return `${(amount / 1_000_000).toFixed(1)} million`
  return Math.round(amount).toLocaleString('en-US')
}

const figureOf = (n: number) => String(Math.round(n))
