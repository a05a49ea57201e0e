/**
 * `npm run test:mutants -- [--slice 1/40] [--only TEXT] [--check]`: puts small mistakes into a copy of the tree, one at a
 * time, and runs the tests that cover them. One that they do not notice fails the run, as does one whose text is gone, or
 * whose title no test has.
 */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { transform } from 'esbuild'
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

/** The mistakes of this run: a slice is neighbours, which share their tests. */
function chosen({ slice, only }: Wishes): Mutant[] {
  const wanted = only === undefined ? MUTANTS : MUTANTS.filter((one) => nameOf(one).includes(only))
  if (slice === undefined) return [...wanted]
  const [index, count] = slice.split('/').map(Number)
  if (!index || !count || index > count)
    throw new Error(`--slice ${slice}: write 1/40 for the first of forty`)
  const size = Math.ceil(wanted.length / count)
  return wanted.slice((index - 1) * size, index * size)
}

/** Why a mistake cannot be made any more; undefined: it can. What does not compile would be noticed by any test. */
async function staleness({ file, find, put, tests }: Mutant): Promise<string | undefined> {
  const gone = [file, ...tests].find((path) => !existsSync(join(projectRoot, path)))
  if (gone !== undefined) return `there is no file ${gone}`
  const source = readFileSync(join(projectRoot, file), 'utf8')
  const times = source.split(find).length - 1
  if (times !== 1) return `its text stands there ${times} times`
  if (find === put) return 'it changes nothing'
  const compiled = await transform(
    source.replace(find, () => put),
    { loader: 'ts', logLevel: 'silent' },
  ).catch(() => undefined)
  return compiled === undefined ? 'it does not compile' : undefined
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

/** The first test that fails in the copy, and with what; undefined: all pass. */
function failureIn(folder: string, { tests, title }: Mutant): Promise<string | undefined> {
  const args = [
    'run',
    '--config',
    'test/vitest.config.ts',
    '--maxWorkers=1',
    '--bail=1',
    '--reporter=dot',
    ...(title === undefined ? [] : ['-t', title]),
    ...tests,
  ]
  const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return new Promise((resolve) => {
    const over = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
    child.once('exit', (code) => {
      clearTimeout(over)
      const report = stripVTControlCharacters(output)
      resolve(code === 0 && ranAny(report) ? undefined : firstFailure(report))
    })
  })
}

/** A title that no test has any more skips them all, which Vitest takes for success. */
const ranAny = (report: string) => /^\s*Tests .*\bpassed\b/m.test(report)

/** What Vitest heads with FAIL, and the line below it: whether the failure is about the mistake is for people to judge. */
function firstFailure(report: string): string {
  const lines = report.split('\n')
  const at = lines.findIndex((line) => line.startsWith(' FAIL '))
  if (at === -1) return `no end within ${PATIENCE_MS / 1000} s, or no test`
  const error = lines.slice(at).find((line) => !line.startsWith(' FAIL '))
  return `${lines[at]?.slice(' FAIL '.length).trim()}: ${error?.trim().slice(0, 150)}`
}

/** Makes the mistake in the copy, looks which test notices it, and mends it. */
async function noticedBy(folder: string, mutant: Mutant): Promise<string | undefined> {
  const path = join(folder, mutant.file)
  const source = readFileSync(path, 'utf8')
  writeFileSync(
    path,
    source.replace(mutant.find, () => mutant.put),
  )
  try {
    return await failureIn(folder, mutant)
  } finally {
    writeFileSync(path, source)
  }
}

/** Tries each mistake; before the first of those that the same tests cover, these tests without any. */
async function tryAll(folder: string, mutants: readonly Mutant[]): Promise<number> {
  const isSound = new Map<string, boolean>()
  let missed = 0
  for (const mutant of mutants) {
    const tests = [...mutant.tests, mutant.title].join(' ')
    if (!isSound.has(tests)) isSound.set(tests, await passesOnce(folder, mutant))
    const verdict = isSound.get(tests)
      ? await verdictOn(folder, mutant)
      : 'UNKNOWN, its tests fail by themselves'
    console.log(`${nameOf(mutant)}\n  ${verdict}`)
    if (!verdict.startsWith('noticed') && mutant.equal === undefined) missed += 1
  }
  return missed
}

/** Whether the tests pass now, or when they are run once more: a machine under load is slow. */
async function passesOnce(folder: string, mutant: Mutant): Promise<boolean> {
  const pass = async () => (await failureIn(folder, mutant)) === undefined
  return (await pass()) || pass()
}

async function verdictOn(folder: string, mutant: Mutant): Promise<string> {
  const test = await noticedBy(folder, mutant)
  if (test !== undefined) return `noticed by ${test}`
  return mutant.equal === undefined ? 'MISSED' : `equal: ${mutant.equal}`
}

/** Says which of all mistakes cannot be made any more. */
async function staleOnes(): Promise<Set<Mutant>> {
  const stale = new Set<Mutant>()
  for (const mutant of MUTANTS) {
    const why = await staleness(mutant)
    if (why === undefined) continue
    stale.add(mutant)
    console.log(`cannot be made: ${nameOf(mutant)}: ${why}`)
  }
  return stale
}

async function main(wishes: Wishes): Promise<number> {
  const stale = await staleOnes()
  if (wishes.check) {
    console.log(`${MUTANTS.length} mutants, ${stale.size} cannot be made`)
    return stale.size === 0 ? 0 : 1
  }
  const mutants = chosen(wishes).filter((mutant) => !stale.has(mutant))
  const folder = copyTree()
  try {
    const missed = await tryAll(folder, mutants)
    console.log(`${mutants.length} tried, ${missed} missed or unknown`)
    return missed + stale.size === 0 ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const { values } = parseArgs({
  options: { slice: { type: 'string' }, only: { type: 'string' }, check: { type: 'boolean' } },
})
process.exitCode = await main(values)
