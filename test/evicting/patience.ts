/** In a run with evictions what waits for something has the time that a late archive takes, whatever it asks for. */
import { expect, vi } from 'vitest'

/** The archive's delay, what the archive of a Postgres that was away waits for, and a slow machine, ms. */
const LATER_MS = 20_000
/** What vitest itself gives, where nothing is said. */
const DEFAULT_MS = 1_000

const { poll } = expect
const { waitFor } = vi

const later = (ms = DEFAULT_MS) => ms + LATER_MS

Object.assign(expect, {
  poll: ((work, options = {}) =>
    poll(work, { ...options, timeout: later(options.timeout) })) satisfies typeof poll,
})
Object.assign(vi, {
  waitFor: ((work, options = {}) => {
    const given = typeof options === 'number' ? { timeout: options } : options
    return waitFor(work, { ...given, timeout: later(given.timeout) })
  }) satisfies typeof waitFor,
})
