/** How `npm run test:interop` runs: rooms that Selvedge and a real Synapse share. */
import { defineConfig } from 'vitest/config'
import base, { closingLine } from '../vitest.config.ts'

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['test/interop/**/*.heavy.ts'],
    // Which endpoints are exercised is for `npm test` to say.
    reporters: ['default', [closingLine, { covers: 'a part' }]],
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
})
