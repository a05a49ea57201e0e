/** How `npm run test:fuzz` runs: as the tests do, with the fuzz files instead of theirs. */
import { defineConfig } from 'vitest/config'
import base from '../vitest.config.ts'

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['test/fuzz/**/*.fuzz.ts'],
    reporters: ['default'],
    testTimeout: 3_600_000,
  },
})
