/**
 * `npm run test:mutants -- [--slice 1/40] [--only TEXT] [--sound] [--check]`: puts small mistakes into a copy of the tree, one at a
 * time, and runs the tests that cover them. One that they do not notice fails the run, as does one whose text is gone, or
 * whose title no test has. Which tests pass by themselves is tried first, but with `--sound`.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { transform } from 'esbuild'
import { projectRoot } from '../../local/paths.ts'
import { MUTANTS } from './list.ts'
import { type Mutant, NO_TEST } from './mutant.ts'
import type { Wanted } from './tester.ts'

/** A mistake may make a test wait for ever: that is noticed too. */
const PATIENCE_MS = 240_000
const NOT_COPIED: ReadonlySet<string> = new Set(['node_modules', '.git', '.selvedge'])

interface Wishes {
  slice?: string | undefined
  only?: string | undefined
  check?: boolean | undefined
  sound?: boolean | undefined
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
async function staleness({ file, find, put, tests, title = '' }: Mutant): Promise<string | undefined> {
  const gone = [file, ...tests].find((path) => !existsSync(join(projectRoot, path)))
  if (gone !== undefined) return `there is no file ${gone}`
  const text = (path: string) => readFileSync(join(projectRoot, path), 'utf8')
  if (!tests.some((path) => new RegExp(title).test(text(path)))) return `${NO_TEST}: ${title}`
  const source = text(file)
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

/** Runs tests in the copy, by a process of its own, which is started anew where it did not end in time. */
class Tester {
  readonly #folder: string
  readonly #changed = new Set<string>()
  #child: ChildProcess | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The first test that fails, and with what; undefined: all pass. */
  async failure({ tests, title }: Mutant): Promise<string | undefined> {
    const child = await this.#started()
    const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
    const heard = new AbortController()
    const wanted: Wanted = { tests, title, changed: [...this.#changed] }
    child.send(wanted)
    try {
      const [answer] = await Promise.race([once(child, 'message', heard), once(child, 'exit', heard)])
      if (answer instanceof Object) return answer.failure
      this.#child = undefined
      return `no end within ${PATIENCE_MS / 1000} s`
    } finally {
      clearTimeout(late)
      heard.abort()
    }
  }

  /** The process, which begins with a tree without mistakes. */
  async #started(): Promise<ChildProcess> {
    if (this.#child === undefined) {
      this.#child = fork('test/mutants/tester.ts', { cwd: this.#folder, stdio: 'ignore' })
      await once(this.#child, 'message')
    }
    return this.#child
  }

  /** Makes the mistake, looks which test notices it, and mends it. */
  async noticedBy(mutant: Mutant): Promise<string | undefined> {
    const { file, find, put } = mutant
    const path = join(this.#folder, file)
    const source = readFileSync(path, 'utf8')
    this.#changed.add(file)
    await this.#started()
    writeFileSync(
      path,
      source.replace(find, () => put),
    )
    try {
      return await this.failure(mutant)
    } finally {
      writeFileSync(path, source)
    }
  }

  async close(): Promise<void> {
    if (this.#child === undefined) return
    const gone = once(this.#child, 'exit')
    this.#child.disconnect()
    await gone
  }
}

/** Tries each mistake; before the first of those that the same tests cover, these tests without any. */
async function tryAll(tester: Tester, mutants: readonly Mutant[], areSound: boolean): Promise<number> {
  const isSound = new Map<string, boolean>()
  let missed = 0
  for (const mutant of mutants) {
    const tests = [...mutant.tests, mutant.title].join(' ')
    if (!isSound.has(tests)) isSound.set(tests, areSound || (await passesOnce(tester, mutant)))
    const verdict = isSound.get(tests)
      ? await verdictOn(tester, mutant)
      : 'UNKNOWN, its tests fail by themselves'
    console.log(`${nameOf(mutant)}\n  ${verdict}`)
    if (!verdict.startsWith('noticed') && mutant.equal === undefined) missed += 1
  }
  return missed
}

/** Whether the tests pass now, or when they are run once more: a machine under load is slow. */
async function passesOnce(tester: Tester, mutant: Mutant): Promise<boolean> {
  const pass = async () => (await tester.failure(mutant)) === undefined
  return (await pass()) || pass()
}

async function verdictOn(tester: Tester, mutant: Mutant): Promise<string> {
  const test = await tester.noticedBy(mutant)
  if (test === NO_TEST) return `UNKNOWN, ${test}`
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
  const tester = new Tester(folder)
  try {
    const missed = await tryAll(tester, mutants, wishes.sound === true)
    console.log(`${mutants.length} tried, ${missed} missed or unknown`)
    return missed + stale.size === 0 ? 0 : 1
  } finally {
    await tester.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const { values } = parseArgs({
  options: {
    slice: { type: 'string' },
    only: { type: 'string' },
    check: { type: 'boolean' },
    sound: { type: 'boolean' },
  },
})
process.exitCode = await main(values)
