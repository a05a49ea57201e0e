/**
 * `npm run test:mutants -- [--slice 1/20] [--only TEXT] [--check]`: puts small mistakes into a copy of the tree, one at a
 * time, and runs the tests that cover them. One that they do not notice fails the run, as does one whose text is gone.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { projectRoot } from '../../local/paths.ts'
import { MUTANTS } from './list.ts'
import type { Mutant } from './mutant.ts'

/** A mistake may make a test wait for ever: that is noticed too. */
const PATIENCE_MS = 240_000
const NOT_COPIED: ReadonlySet<string> = new Set(['node_modules', '.git', '.selvedge'])

interface Wishes {
  slice?: string | undefined
  only?: string | undefined
  check?: boolean | undefined
}

const nameOf = ({ file, find, put }: Mutant) => `${file}: ${oneLine(find)} → ${oneLine(put)}`
const oneLine = (text: string) => text.trim().replaceAll(/\s+/g, ' ').slice(0, 90)

/** The mistakes of this run: every nth, so that slices take about as long. */
function chosen({ slice, only }: Wishes): Mutant[] {
  const wanted = only === undefined ? MUTANTS : MUTANTS.filter((one) => nameOf(one).includes(only))
  if (slice === undefined) return [...wanted]
  const [index, count] = slice.split('/').map(Number)
  if (!index || !count || index > count)
    throw new Error(`--slice ${slice}: write 1/20 for the first of twenty`)
  return wanted.filter((_, n) => n % count === index - 1)
}

/** Why a mistake cannot be made any more; undefined: it can. */
function staleness({ file, find, put }: Mutant): string | undefined {
  const source = readFileSync(join(projectRoot, file), 'utf8')
  const times = source.split(find).length - 1
  if (times !== 1) return `its text stands there ${times} times`
  return find === put ? 'it changes nothing' : undefined
}

/** A copy of the tree; its packages are linked, since the thumbnail codecs are found by their place. */
function copyTree(): string {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-mutants-'))
  for (const name of readdirSync(projectRoot)) {
    if (!NOT_COPIED.has(name)) execFileSync('cp', ['-R', join(projectRoot, name), folder])
  }
  const packages = join(projectRoot, 'node_modules')
  try {
    execFileSync('cp', ['-Rl', packages, folder], { stdio: 'ignore' })
  } catch {
    // Another file system, or a `cp` without links.
    execFileSync('cp', ['-R', packages, folder])
  }
  return folder
}

/** Whether the tests pass in the copy; ends at the first that fails. */
function passes(folder: string, tests: readonly string[]): Promise<boolean> {
  const args = [
    'run',
    '--config',
    'test/vitest.config.ts',
    '--maxWorkers=1',
    '--bail=1',
    '--reporter=dot',
    ...tests,
  ]
  const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', ...args], {
    cwd: folder,
    stdio: 'ignore',
  })
  return new Promise((resolve) => {
    const over = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
    child.once('exit', (code) => {
      clearTimeout(over)
      resolve(code === 0)
    })
  })
}

/** Makes the mistake in the copy, looks whether it is noticed, and mends it. */
async function isNoticed(folder: string, { file, find, put, tests }: Mutant): Promise<boolean> {
  const path = join(folder, file)
  const source = readFileSync(path, 'utf8')
  writeFileSync(
    path,
    source.replace(find, () => put),
  )
  try {
    return !(await passes(folder, tests))
  } finally {
    writeFileSync(path, source)
  }
}

async function main(wishes: Wishes): Promise<number> {
  const stale = MUTANTS.filter((mutant) => staleness(mutant) !== undefined)
  for (const mutant of stale) console.log(`cannot be made: ${nameOf(mutant)}: ${staleness(mutant)}`)
  const mutants = chosen(wishes).filter((mutant) => !stale.includes(mutant))
  if (wishes.check || stale.length > 0) {
    console.log(`${MUTANTS.length} mutants, ${stale.length} cannot be made`)
    return stale.length === 0 ? 0 : 1
  }
  const folder = copyTree()
  const missed: Mutant[] = []
  try {
    const tests = [...new Set(mutants.flatMap((mutant) => mutant.tests))]
    if (!(await passes(folder, tests)))
      throw new Error(`without a mistake these fail already: ${tests.join(' ')}`)
    for (const mutant of mutants) {
      const noticed = await isNoticed(folder, mutant)
      const verdict = noticed ? 'noticed' : mutant.equal === undefined ? 'MISSED' : `equal: ${mutant.equal}`
      console.log(`${verdict}: ${nameOf(mutant)}`)
      if (!noticed && mutant.equal === undefined) missed.push(mutant)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.log(`${mutants.length - missed.length} noticed, ${missed.length} missed`)
  return missed.length === 0 ? 0 : 1
}

const { values } = parseArgs({
  options: { slice: { type: 'string' }, only: { type: 'string' }, check: { type: 'boolean' } },
})
process.exitCode = await main(values)
