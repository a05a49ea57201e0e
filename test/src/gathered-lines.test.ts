/** Lines of the log that wait for others of their moment. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { gatherLines } from '../../src/gathered-lines.ts'
import type { LogSink } from '../../src/ports/log.ts'

describe('lines that may wait', () => {
  let now: number
  let written: string[]
  let sink: LogSink
  let flush: () => void
  /** The promises that keep the isolate alive. */
  let works: Promise<void>[]
  const later = (work: Promise<void>) => works.push(work)

  beforeEach(() => {
    now = 0
    written = []
    works = []
    const made = gatherLines(
      (level, line) => written.push(`${level} ${line}`),
      () => now,
    )
    sink = made.sink
    flush = made.flush
  })

  it('are written together a moment after the first', async () => {
    vi.useFakeTimers()
    try {
      for (const line of ['a', 'b', 'c']) sink('info', line, later)
      expect(written).toEqual([])
      expect(works).toHaveLength(1)
      await vi.runAllTimersAsync()
      await works[0]
      expect(written).toEqual(['info a\nb\nc'])
    } finally {
      vi.useRealTimers()
    }
  })

  it('go before one that may not', () => {
    sink('info', 'a', later)
    sink('error', 'b')
    expect(written).toEqual(['info a', 'error b'])
  })

  it('go when they are many', () => {
    for (let n = 0; n < 450; n += 1) sink('info', String(n), later)
    expect(written.map((text) => text.split('\n').length)).toEqual([200, 200])
    flush()
    expect(written.flatMap((text) => text.replace('info ', '').split('\n'))).toEqual(
      Array.from({ length: 450 }, (_, n) => String(n)),
    )
  })

  it('go with the next lines when the request that was to write them was cut off', () => {
    sink('info', 'a', later)
    now = 101
    sink('info', 'b', later)
    expect(written).toEqual(['info a\nb'])
  })
})
