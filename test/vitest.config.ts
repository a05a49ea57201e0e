/** How the tests run: a file a process, each with its own server, one Postgres for all. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** The reporter that ends each run; its options are `ClosingLineOptions`. */
export const closingLine = fileURLToPath(new URL('./support/closing-line.ts', import.meta.url))

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/support/connections.ts', 'test/contract/setup.ts'],
    reporters: ['default', closingLine],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Forks get none of Node's warnings about node:sqlite.
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
})
