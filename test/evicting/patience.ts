/** In a run with evictions each `expect.poll` has the time that a late archive takes, whatever it asks for. */
import { expect } from 'vitest'

/** The archive's delay, what the archive of a Postgres that was away waits for, and a slow machine, ms. */
const LATER_MS = 20_000
/** The poll of vitest itself, where nothing is said. */
const DEFAULT_MS = 1_000

const { poll } = expect

Object.assign(expect, {
  poll: ((work, options = {}) =>
    poll(work, { ...options, timeout: (options.timeout ?? DEFAULT_MS) + LATER_MS })) satisfies typeof poll,
})
