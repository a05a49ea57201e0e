/**
 * Runs in the copy of the tree, one Vitest for all mistakes: its start, the Postgres and what else stands before all
 * tests cost more than most tests.
 */
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { createVitest, type Reporter, type TestModule, type TestSuite } from 'vitest/node'
import setUp, { bundled } from '../global-setup.ts'
import { NO_TEST } from './mutant.ts'

/** What is asked, and answered with what `failure` gives. */
export interface Wanted {
  tests: readonly string[]
  title: string | undefined
  /** The files that may not be as they were when the last tests ran. */
  changed: readonly string[]
}

/** What happens in a run, in order. */
class Watcher implements Reporter {
  failures: string[] = []
  passed = 0

  onTestCaseResult: NonNullable<Reporter['onTestCaseResult']> = (test) => {
    const { state, errors } = test.result()
    if (state === 'passed') this.passed += 1
    if (state === 'failed') this.failures.push(`${test.fullName}: ${firstLine(errors?.[0])}`)
  }

  onTestSuiteResult(suite: TestSuite): void {
    for (const error of suite.errors()) this.failures.push(`${suite.fullName}: ${firstLine(error)}`)
  }

  onTestModuleEnd(module: TestModule): void {
    for (const error of module.errors()) this.failures.push(`${module.relativeModuleId}: ${firstLine(error)}`)
  }
}

function firstLine(error: unknown): string {
  const message = error instanceof Object && 'message' in error ? error.message : error
  return stripVTControlCharacters(String(message)).split('\n', 1)[0]!.slice(0, 150)
}

/** Any title. */
const ALL = /(?:)/

const watcher = new Watcher()
const vitest = await createVitest('test', {
  config: 'test/vitest.config.ts',
  watch: false,
  maxWorkers: 1,
  bail: 1,
  silent: true,
  reporters: [watcher],
  globalSetup: [],
})
// Here, and not by Vitest before its first run: what stands before the tests knows no mistakes.
const tearDown = await setUp(vitest.getRootProject())

/** The first test that fails, and with what; undefined: all pass. */
async function failure({ tests, title, changed }: Wanted): Promise<string | undefined> {
  const project = vitest.getRootProject()
  const absolute = (path: string) => join(project.config.root, path)
  for (const path of changed) vitest.invalidateFile(absolute(path))
  project.provide('workers', await bundled())
  vitest.setGlobalTestNamePattern(title === undefined ? ALL : new RegExp(title))
  watcher.failures = []
  watcher.passed = 0
  const files = tests.map((path) => project.createSpecification(absolute(path)))
  const { unhandledErrors } = await vitest.runTestSpecifications(files)
  if (watcher.failures.length > 0) return watcher.failures[0]
  if (unhandledErrors.length > 0) return `outside the tests: ${firstLine(unhandledErrors[0])}`
  // Vitest takes it for success when no test has the title.
  return watcher.passed > 0 ? undefined : NO_TEST
}

process.send?.('ready')
process.on('message', async (wanted: Wanted) => {
  process.send?.({ failure: await failure(wanted).catch(firstLine) })
})
process.on('disconnect', async () => {
  await vitest.close()
  await tearDown()
  process.exit()
})
