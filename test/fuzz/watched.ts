/** A server whose failures are noticed: an answer of 500 or above, one that takes long, a line in the log. */
import { afterAll, beforeAll, expect } from 'vitest'
import { startServer, type TestServer, type TestServerOptions } from '../support/server.ts'

/** An answer that takes longer holds a machine's only thread. */
const SLOW_MS = 5_000
/** What other servers, or pages, cannot be had for is no failure of this one. */
const BAD_GATEWAY = 502
const MAX_FAULTS = 50
const SHOWN = 600

export const requests = Number(process.env.FUZZ_REQUESTS ?? 10_000)
export const seed = Number(process.env.FUZZ_SEED ?? 1)

export interface Watched {
  server: TestServer
  /** Does something that is answered, and keeps what was wrong with that. */
  watch(what: string, ask: () => Promise<{ status: number; text: string }>): Promise<void>
  /** Fails the test if anything was. */
  expectNone(): void
}

/** There before the first test of the file, and gone after its last. */
export function watched(options: TestServerOptions): Watched {
  const faults = new Map<string, string>()
  let log = ''
  const self = {
    server: {} as TestServer,
    async watch(what: string, ask: () => Promise<{ status: number; text: string }>) {
      const logged = log.length
      const started = performance.now()
      const { status, text } = await ask()
      const ms = Math.round(performance.now() - started)
      const failed = status >= 500 && status !== BAD_GATEWAY
      if (!failed && ms < SLOW_MS && log.length === logged) return
      const [kind = ''] = what.split(' = ')
      if (faults.size >= MAX_FAULTS || faults.has(kind)) return
      const shown = [text, log.slice(logged)].map((one) => one.slice(0, SHOWN)).join('\n  ')
      faults.set(kind, `${what}: ${status} after ${ms} ms\n  ${shown}`)
    },
    expectNone: () => expect([...faults.values()].join('\n\n'), `what was found by seed ${seed}`).toBe(''),
  }
  beforeAll(async () => {
    const writeLog = (lines: string) => {
      log += `${lines}\n`
    }
    self.server = await startServer({ 'log-level': 'error', ...options, writeLog })
  })
  afterAll(() => self.server.stop?.())
  return self
}
