/** The table of endpoints in docs/compatibility.md: written from a run of the tests, and held true by it. */

import type { Operation } from '../../local/contract/spec.ts'
import { waitsFor } from './later.ts'

const BEGIN = '<!-- endpoints: written by `npm test -- --update` -->'
const END = '<!-- end of endpoints -->'

/** How an operation was answered in the whole run. */
export interface Exercise {
  operation: Operation
  /** The test files that saw it succeed, the most thorough first. */
  files: string[]
}

export interface Row {
  /** Method and path. */
  id: string
  state: string
  /** The test file that shows it. */
  file: string
}

/** The rows between the marks. */
export function endpointRows(page: string): Row[] {
  const [, table = ''] = page.split(BEGIN)
  return [...(table.split(END)[0] ?? '').matchAll(/^\| `([^`]+)` \| (.+?) \| (?:`([^`]+)`)? ?\|$/gm)].map(
    ([, id = '', state = '', file = '']) => ({ id, state, file }),
  )
}

/** What the page says and the run does not show. */
export function compatibilityFaults(page: string, exercises: Exercise[]): string[] {
  const rows = new Map(endpointRows(page).map((row) => [row.id, row]))
  const wrong = exercises.flatMap((exercise) => {
    const { id } = exercise.operation
    const row = rows.get(id)
    rows.delete(id)
    if (row === undefined) return [`has no row for ${id}`]
    const { state, file } = rowFor(exercise, row.file)
    return row.state === state && row.file === file
      ? []
      : [`says "${row.state}", shown by "${row.file}", of ${id}: it is "${state}", shown by "${file}"`]
  })
  const unknown = [...rows.keys()].map((id) => `has a row for ${id}, which the specification does not have`)
  const all = [...wrong, ...unknown].map((fault) => `docs/compatibility.md ${fault}`)
  return all.length === 0 ? [] : [...all, 'npm test -- --update writes the table anew']
}

/** The page with the table as the run has shown it; a file that still shows its endpoint stays. */
export function rewriteTable(page: string, exercises: Exercise[]): string {
  const [before, rest = ''] = page.split(BEGIN)
  const after = rest.split(END)[1]
  if (after === undefined) throw new Error('docs/compatibility.md has lost the marks around its endpoints')
  const files = new Map(endpointRows(page).map(({ id, file }) => [id, file]))
  const areas = Map.groupBy(exercises, ({ operation }) => operation.area)
  const tables = [...areas].map(([area, members]) => tableOf(area, members, files))
  return [before, BEGIN, '\n\n', tables.join('\n\n'), '\n\n', END, after].join('')
}

function tableOf(area: string, exercises: Exercise[], files: Map<string, string>): string {
  const rows = exercises.map((exercise) => rowFor(exercise, files.get(exercise.operation.id) ?? ''))
  const lines = rows.map(({ id, state, file }) => `| \`${id}\` | ${state} | ${file && `\`${file}\` `}|`)
  return [`### ${area}`, '', '| endpoint | state | shown by |', '|---|---|---|', ...lines].join('\n')
}

/** The row that a run justifies; of several files, the one that the page names already. */
function rowFor({ operation, files }: Exercise, named: string): Row {
  const reason = waitsFor(operation.id)
  if (reason !== undefined) return { id: operation.id, state: `later: ${reason}`, file: '' }
  if (files.length === 0) return { id: operation.id, state: 'no test', file: '' }
  return { id: operation.id, state: 'yes', file: files.includes(named) ? named : bestOf(files) }
}

/** The file about the endpoint itself, rather than one that only uses it on its way. */
const bestOf = (files: string[]) => files.find((file) => file.startsWith('test/workers/')) ?? files[0] ?? ''
