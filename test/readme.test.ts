/** The README repeats the table of options, and its links lead somewhere: both rot when nobody looks. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { optionTable } from '../local/options/options.ts'
import { projectRoot } from '../local/paths.ts'

const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8')
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/applications.md',
  'docs/architecture.md',
  'docs/deployment.md',
  'docs/operation.md',
]

interface Row {
  variable?: string
  value: string
  default?: string
  help: string
}

function rowOf(name: string, { variable, value, help, ...row }: Row): string {
  const cells = [
    `\`--${name} <${value.replaceAll('|', '\\|')}>\``,
    `\`${variable ?? `SELVEDGE_${name.toUpperCase().replaceAll('-', '_')}`}\``,
    row.default === undefined ? '' : `\`${row.default}\``,
    help,
  ]
  return `| ${cells.join(' | ')} |`
}

test('the README lists every option as the launcher knows it, and no other', () => {
  const rows = Object.entries(optionTable).map(([name, row]) => rowOf(name, row))
  expect(readme.split('\n').filter((line) => line.startsWith('| `--'))).toEqual(rows)
})

test.each(pages)('every link of %s to a file leads to one', (page) => {
  const text = readFileSync(join(projectRoot, page), 'utf8')
  const targets = [...text.matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)].map((match) => match[1]!)
  const missing = targets.filter((target) => !existsSync(join(projectRoot, page, '..', target)))
  expect(missing).toEqual([])
})

test.each(pages)('every file that %s names is there', (page) => {
  const text = readFileSync(join(projectRoot, page), 'utf8')
  const folders = 'src|durable-objects|workers|local|migrations|test|bench|docs|ops'
  const named = [...text.matchAll(new RegExp(`\`((?:${folders})/[\\w./-]+)\``, 'g'))].map(
    ([, path = '']) => path,
  )
  expect(named.filter((path) => !existsSync(join(projectRoot, path)))).toEqual([])
})
