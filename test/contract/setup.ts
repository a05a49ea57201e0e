/** Runs in each test file: a test whose answers break the specification's schemas fails. */
import { afterAll, afterEach } from 'vitest'
import { throwViolations, writeSeen } from './watch.ts'

afterEach(throwViolations)
afterAll(() => {
  writeSeen()
  throwViolations()
})
