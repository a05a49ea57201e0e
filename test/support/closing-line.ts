/** The last line of a test run: how many passed, how many failed. */
import type { Reporter, TestModule } from 'vitest/node'

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const count = (state: string) => tests.filter((test) => test.result().state === state).length
    // A file that cannot be loaded has no tests, and must still count.
    const broken = modules.filter(
      (module) => module.state() === 'failed' && module.errors().length > 0,
    ).length
    const skipped = count('skipped')
    if (skipped > 0) console.log(`${skipped} skipped`)
    // After the summary of the default reporter, which is printed in the same turn.
    setImmediate(() =>
      console.log(`${count('passed')} passed, ${count('failed') + broken + errors.length} failed`),
    )
  }
}
