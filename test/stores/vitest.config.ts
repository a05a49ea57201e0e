/** How `npm run test:stores` runs: what is true of media, over each store whose server's program is here. */
import { defineConfig } from 'vitest/config'
import { KUBO, pathOf, VERSITYGW } from '../support/media/store-servers.ts'
import base, { closingLine } from '../vitest.config.ts'

const MEDIA = ['test/workers/media/**/*.test.ts', 'test/workers/middleware/bodies/slow-bodies.test.ts']

/** Each with the files that are about it alone. */
const stores = [
  { name: 's3', program: VERSITYGW, include: [...MEDIA, 'test/stores/s3/**/*.heavy.ts'] },
  { name: 'ipfs', program: KUBO, include: [...MEDIA, 'test/stores/ipfs/**/*.heavy.ts'] },
]

export const missing = stores
  .filter(({ program }) => pathOf(program) === undefined)
  .map(
    ({ name, program }) =>
      `tests of media over ${name} are skipped: ${program.name} is missing: ${program.install}`,
  )

export default defineConfig({
  ...base,
  test: {
    maxWorkers: 2,
    reporters: ['default', [closingLine, { covers: 'a part' }]],
    projects: stores
      .filter(({ program }) => pathOf(program) !== undefined)
      .map(({ name, include }) => ({
        ...base,
        test: {
          ...base.test,
          name,
          include,
          // A picture and its thumbnails are dozens of requests to a store.
          testTimeout: 90_000,
          // `startServer` reads it.
          env: { TEST_MEDIA_STORE: name },
          globalSetup: ['test/global-setup.ts', 'test/stores/global-setup.ts'],
        },
      })),
  },
})
