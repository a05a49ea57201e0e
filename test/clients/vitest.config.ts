/** How `npm run test:clients` runs: whole clients, with their encryption, some in a browser. */
import { defineConfig } from 'vitest/config'
import base from '../vitest.config.ts'

export default defineConfig({
  ...base,
  test: { ...base.test, include: ['test/clients/**/*.heavy.ts'], testTimeout: 120_000, hookTimeout: 120_000 },
})
