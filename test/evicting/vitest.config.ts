/** How `npm run test:evicting` runs: the objects' tests, each object evicted at every quiet moment, the archive late. */
import { defineConfig } from 'vitest/config'
import base, { closingLine } from '../vitest.config.ts'

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    // Most of the time goes by while archives are late, and the processors have little to do.
    maxWorkers: 4,
    include: ['test/{concurrency,durable-objects,faults,workers}/**/*.test.ts'],
    // `startServer` reads it.
    env: { TEST_EVICTING: 'on' },
    setupFiles: [...(base.test?.setupFiles ?? []), 'test/evicting/patience.ts'],
    reporters: ['default', [closingLine, { covers: 'a part' }]],
    testTimeout: 90_000,
  },
})
