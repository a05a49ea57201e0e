/** The last lines of a test run: what the contract says of it, and how many tests passed and failed. */
import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule, Vitest } from 'vitest/node'
import { reportContract } from '../contract/report.ts'

/** Names a file for the paths of the test files in which something failed, one a line; none where that is not all. */
const FAILED_FILES = process.env.FAILED_FILES

export interface ClosingLineOptions {
  /** Whether the files of this configuration together exercise every endpoint, or only some. */
  covers?: 'everything' | 'a part'
}

export default class ClosingLine implements Reporter {
  #vitest: Vitest | undefined
  readonly #covers: 'everything' | 'a part'

  constructor({ covers = 'everything' }: ClosingLineOptions = {}) {
    this.#covers = covers
  }

  onInit(vitest: Vitest): void {
    this.#vitest = vitest
  }

  async onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): Promise<void> {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const count = (state: string) => tests.filter((test) => test.result().state === state).length
    // A file that cannot be loaded has no tests, and must still count.
    const broken = modules.filter(
      (module) => module.state() === 'failed' && module.errors().length > 0,
    ).length
    const failed = count('failed') + broken + errors.length
    const faults = reportContract({
      isWhole: await this.#isWhole(modules),
      update: failed === 0 && this.#vitest?.config.snapshotOptions.updateSnapshot === 'all',
    })
    for (const fault of faults) console.log(`contract: ${fault}`)
    if (faults.length > 0) process.exitCode = 1
    const files = modules.filter((module) => module.state() === 'failed').map(({ moduleId }) => moduleId)
    for (const file of files) console.log(`failed: ${file}`)
    for (const error of errors) console.log(`failed: ${inOneLine(error)}`)
    if (FAILED_FILES !== undefined && errors.length + faults.length === 0)
      writeFileSync(FAILED_FILES, files.map((file) => `${file}\n`).join(''))
    const skipped = count('skipped')
    if (skipped > 0) console.log(`${skipped} skipped`)
    // After the summary of the default reporter, which is printed in the same turn.
    setImmediate(() => console.log(`${count('passed')} passed, ${failed + faults.length} failed`))
  }

  /** Whether all tests of the project ran: all files, and nothing in them left out by name. */
  async #isWhole(modules: readonly TestModule[]): Promise<boolean> {
    if (this.#covers === 'a part') return false
    if (this.#vitest === undefined || this.#vitest.config.testNamePattern !== undefined) return false
    const all = await this.#vitest.globTestSpecifications()
    return modules.length === all.length
  }
}

function inOneLine(error: unknown): string {
  const { message = String(error), stack = '', ...more } = error as Partial<Error> & Record<string, unknown>
  const where = [more.VITEST_TEST_PATH, more.VITEST_TEST_NAME].filter(Boolean).join(': ')
  return `${where} ${message} ${stack}`.trim().replaceAll(/\s+/g, ' ').slice(0, 1_000)
}
