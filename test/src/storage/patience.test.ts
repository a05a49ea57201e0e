/** How long Redis is waited for: by how long it took before, and without blame where this machine is behind. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLogger } from '../../../src/log.ts'
import { Latency } from '../../../src/storage/latency.ts'
import { redis } from '../../../src/storage/redis/client.ts'
import { world } from '../../support/world.ts'

describe('the patience with an answer', () => {
  const knowing = (...answers: number[]) => {
    const latency = new Latency()
    for (const ms of answers) latency.heard(ms)
    return latency
  }

  it('is a second while nothing is known', () => {
    expect(new Latency().patienceMs).toBe(1000)
  })

  it('is no less than a tenth of a second', () => {
    expect(knowing(...Array<number>(50).fill(2)).patienceMs).toBe(100)
  })

  it('follows answers that take longer', () => {
    const steady = knowing(...Array<number>(50).fill(200)).patienceMs
    expect(steady).toBeGreaterThanOrEqual(200)
    expect(steady).toBeLessThan(250)
    expect(
      knowing(...Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? 100 : 300))).patienceMs,
    ).toBeGreaterThan(400)
  })

  it('grows with each missed answer, up to two seconds, and shrinks with the next answer', () => {
    const latency = knowing(...Array<number>(50).fill(2))
    latency.missed()
    latency.missed()
    expect(latency.patienceMs).toBe(400)
    for (let i = 0; i < 20; i += 1) latency.missed()
    expect(latency.patienceMs).toBe(2000)
    latency.heard(2)
    expect(latency.patienceMs).toBe(100)
  })
})

describe('a call that gets no answer', () => {
  const TIMEOUT_MS = 150
  let now = 0
  let lines: string[]
  let asked: AbortSignal | undefined

  /** Never answers. */
  const send = ((_: unknown, init: RequestInit) => {
    asked = init.signal ?? undefined
    return new Promise((_, reject) => asked?.addEventListener('abort', () => reject(asked?.reason)))
  }) as typeof fetch

  const clients = () => {
    const clock = { now: () => now }
    const log = createLogger('warn', clock, (_, line) => lines.push(line))
    return redis({ url: 'http://redis', token: 't', fetch: send }, { ...world(), log, clock })
  }

  /** The timers ring, each so much later than it was set for. */
  const ring = async (lateMs: number) => {
    now += TIMEOUT_MS + lateMs
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS)
  }

  beforeEach(() => {
    vi.useFakeTimers()
    now = 1_000
    lines = []
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('says that Redis is away', async () => {
    const all = clients()
    const answer = expect(all.within(TIMEOUT_MS).get('key')).rejects.toThrow('not available')
    await ring(0)
    await answer
    expect(all.lastFailure()).toBe(now)
    expect(lines.join()).toContain('redis is unavailable')
  })

  it('gets its time again if the timer rang late', async () => {
    const all = clients()
    const answer = expect(all.within(TIMEOUT_MS).get('key')).rejects.toThrow('not available')
    await ring(500)
    expect(asked?.aborted).toBe(false)
    await ring(0)
    await answer
    expect(all.lastFailure()).toBe(now)
  })

  it('ends without blame if this machine stays behind', async () => {
    const all = clients()
    const answer = expect(all.within(TIMEOUT_MS).get('key')).rejects.toThrow('not available')
    for (let i = 0; i < 4; i += 1) await ring(500)
    await answer
    expect(all.lastFailure()).toBeUndefined()
    expect(lines).toEqual([])
  })
})
