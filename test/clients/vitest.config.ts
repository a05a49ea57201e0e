/** How `npm run test:clients` runs: whole clients, with their encryption, some in a browser. */
import { defineConfig } from 'vitest/config'
import base, { closingLine } from '../vitest.config.ts'

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['test/clients/**/*.heavy.ts', 'test/ops/**/*.heavy.ts'],
    // Which endpoints are exercised is for `npm test` to say.
    reporters: ['default', [closingLine, { covers: 'a part' }]],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
