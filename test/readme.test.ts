/** The README repeats the table of options, and its links lead somewhere: both rot when nobody looks. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { optionTable } from '../local/options.ts'
import { projectRoot } from '../local/paths.ts'
import { startServer } from './support/server.ts'

const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8')
const pages = [
  'README.md',
  'CONTRIBUTING.md',
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

/** The commands of the section, as a person would paste them. */
function sessionOf(section: string): string {
  const [, text = ''] = readme.split(`\n## ${section}\n`)
  return /```sh\n([^]*?)```/.exec(text)?.[1] ?? ''
}

test('the session with curl prints a line for each step, and may be run again', async () => {
  const server = await startServer()
  try {
    const script = sessionOf('Talk to it').replace('http://127.0.0.1:8008', server.url)
    for (const run of ['registered alice', 'alice is there already: signing in']) {
      const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script])
      expect(stderr).toContain(run)
      const lines = stdout.trim().split('\n')
      expect(lines.slice(0, 2)).toEqual([
        expect.stringMatching(/^Alice made !\S+$/),
        expect.stringMatching(/^Bob joined !\S+$/),
      ])
      expect(lines.slice(2).sort()).toEqual([
        expect.stringMatching(/^Alice sent \$\S+$/),
        'Bob was told: Good morning',
      ])
    }
  } finally {
    await server.stop()
  }
})
