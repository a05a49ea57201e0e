/** How the tests run: a file a process, each with its own server, one Postgres for all. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/contract/setup.ts'],
    reporters: ['default', fileURLToPath(new URL('./support/closing-line.ts', import.meta.url))],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Forks get none of Node's warnings about node:sqlite.
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
})
