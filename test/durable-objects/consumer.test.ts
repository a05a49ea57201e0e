/** What all that follows a commit has in common: its cursor, its batches, and when it is tried again. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'

interface Flights {
  flush(): Promise<boolean>
  run(): Promise<number | undefined>
}

interface Row {
  name: string
  follows?: (change: string) => boolean
  quietMs?: (change: string) => number
  when?: 'now' | 'quiet'
  begin?: () => void
}

/** By a path that the compiler does not follow: the objects' types are not Node's. */
const { Courier, follow, spreadDelay } = (await import(
  join(projectRoot, 'durable-objects', 'consumer.ts')
)) as {
  Courier: new (outlet: object, now: () => number) => Flights
  follow(rows: Row[], change: string, timers: object, times: { now: number; soon: number }): void
  spreadDelay(delayMs: number, random: { bytes(length: number): Uint8Array }): number
}
const { receiptsWait } = (await import(join(projectRoot, 'durable-objects', 'room', 'consumers.ts'))) as {
  receiptsWait(subscribers: number): number
}
const { Timers } = (await import(join(projectRoot, 'durable-objects', 'timers.ts'))) as {
  Timers: new (parts: object) => { arm(job: string, at: number): void; fire(): Promise<void> }
}

const NOW = 5

/** A log of numbers with a cursor, read in batches of `size`, and a receiver that answers as a test has it. */
function logOf(size: number, receive: (batch: number[]) => Promise<void>, settings: object = {}) {
  const log: number[] = []
  let cursor = 0
  let reads = 0
  const read = () => {
    reads += 1
    if (reads > 100) throw new Error('the cursor stands still')
    const batch = log.slice(cursor, cursor + size)
    return { items: batch.length === 0 ? [] : [batch], more: () => batch.length === size }
  }
  const acknowledge = (batch: number[]) => {
    cursor += batch.length
  }
  const courier = new Courier({ read, deliver: receive, acknowledge, ...settings }, () => NOW)
  return {
    courier,
    commit: (...entries: number[]) => void log.push(...entries),
    left: () => log.length - cursor,
  }
}

describe('a delay', () => {
  const spread = (byte: number) => spreadDelay(1_000, { bytes: () => Uint8Array.of(byte) })

  it('differs from object to object, and is never shorter than it is meant to be', () => {
    expect([spread(0), spread(128), spread(255)]).toEqual([1_000, 1_125, 1_250])
  })
})

describe('a batch', () => {
  it('whose answer is lost is sent again, and the next one comes after it', async () => {
    const received: number[][] = []
    let answersAreLost = true
    const { courier, commit, left } = logOf(2, async (batch) => {
      received.push(batch)
      if (answersAreLost) throw new Error('the answer is lost')
    })
    commit(1, 2, 3)
    await expect(courier.flush()).rejects.toThrow('the answer is lost')
    expect(left()).toBe(3)
    answersAreLost = false
    await courier.flush()
    expect(received).toEqual([[1, 2], [1, 2], [3]])
    expect(left()).toBe(0)
  })

  it('that takes a run of its own leaves the next batch to the next run', async () => {
    const received: number[][] = []
    const { courier, commit } = logOf(2, async (batch) => void received.push(batch), { batchPerRun: true })
    commit(1, 2, 3)
    expect(await courier.run()).toBe(NOW)
    expect(received).toEqual([[1, 2]])
    expect(await courier.run()).toBeUndefined()
    expect(received).toEqual([[1, 2], [3]])
  })
})

describe('a flight', () => {
  it('does not carry what is committed while it is under way: one flight after it brings it all', async () => {
    const received: number[][] = []
    const gate = Promise.withResolvers<void>()
    const { courier, commit } = logOf(10, async (batch) => {
      received.push(batch)
      await gate.promise
    })
    commit(1)
    const first = courier.flush()
    commit(2)
    const second = courier.flush()
    commit(3)
    const third = courier.flush()
    expect(received).toEqual([[1]])
    gate.resolve()
    await Promise.all([first, second, third])
    expect(received).toEqual([[1], [2, 3]])
  })

  it('that fails does not fail the one after it', async () => {
    const gate = Promise.withResolvers<void>()
    let tries = 0
    const { courier, commit, left } = logOf(10, async () => {
      tries += 1
      if (tries === 1) await gate.promise
    })
    commit(1)
    const first = courier.flush()
    const second = courier.flush()
    gate.reject(new Error('away'))
    await expect(first).rejects.toThrow('away')
    await second
    expect(left()).toBe(0)
  })

  it('to many receivers passes over one that cannot be reached, and tells the timers', async () => {
    const waiting = new Set(['a', 'away', 'b', 'c'])
    const courier = new Courier(
      {
        read: () => ({ items: [...waiting], more: () => waiting.size > 0 }),
        deliver: async (name: string) => {
          if (name === 'away') throw new Error('away')
        },
        acknowledge: (name: string) => waiting.delete(name),
        atOnce: 1,
      },
      () => NOW,
    )
    await expect(courier.run()).rejects.toThrow('away')
    expect([...waiting]).toEqual(['away'])
  })

  it('reaches no more receivers at once than it may', async () => {
    let underWay = 0
    let most = 0
    const waiting = new Set(['a', 'b', 'c', 'd', 'e'])
    const courier = new Courier(
      {
        read: () => ({ items: [...waiting], more: () => waiting.size > 0 }),
        deliver: async () => {
          underWay += 1
          most = Math.max(most, underWay)
          await Promise.resolve()
          underWay -= 1
        },
        acknowledge: (name: string) => waiting.delete(name),
        atOnce: 2,
      },
      () => NOW,
    )
    expect(await courier.flush()).toBe(false)
    expect([most, waiting.size]).toEqual([2, 0])
  })
})

describe('a consumer', () => {
  it('that fails is tried again after its own backoff, and holds up no other', async () => {
    let now = 0
    let alarm = 0
    let isAway = true
    const archive = logOf(10, async () => {
      if (isAway) throw new Error('away')
    })
    const wakes = logOf(10, async () => undefined)
    const timers = new Timers({
      storage: {
        getAlarm: async () => null,
        setAlarm: async (at: number) => {
          alarm = at
        },
      },
      clock: { now: () => now },
      jobs: [
        { name: 'archive', run: () => archive.courier.run() },
        { name: 'wakes', run: () => wakes.courier.run() },
      ],
      onError: () => undefined,
    })
    archive.commit(1)
    wakes.commit(1)
    for (const job of ['archive', 'wakes']) timers.arm(job, 0)
    const waits: number[] = []
    for (let tries = 0; tries < 3; tries += 1) {
      now = alarm
      await timers.fire()
      waits.push(alarm - now)
    }
    expect(waits).toEqual([1_000, 2_000, 4_000])
    expect([archive.left(), wakes.left()]).toEqual([1, 0])
    isAway = false
    now = alarm
    await timers.fire()
    expect(archive.left()).toBe(0)
  })

  it('is armed by the commits it follows, at once where it is urgent, and may begin beside the answer', () => {
    const armed: [string, number][] = []
    const begun: string[] = []
    const rows: Row[] = [
      { name: 'archive', follows: () => true },
      {
        name: 'push',
        follows: (change) => change === 'rules',
        when: 'now',
        begin: () => begun.push('push'),
      },
      { name: 'typing' },
    ]
    const timers = { arm: (name: string, at: number) => armed.push([name, at]) }
    follow(rows, 'profile', timers, { now: 1, soon: 2 })
    expect(armed.splice(0)).toEqual([['archive', 2]])
    expect(begun).toEqual([])
    follow(rows, 'rules', timers, { now: 1, soon: 2 })
    expect(armed).toEqual([
      ['archive', 2],
      ['push', 1],
    ])
    expect(begun).toEqual(['push'])
  })

  it('waits a second for company where it can, or as long as it says of the change', () => {
    const armed: [string, number][] = []
    const rows: Row[] = [
      { name: 'typing', follows: () => true, when: 'quiet' },
      { name: 'receipts', follows: () => true, when: 'quiet', quietMs: (change) => change.length },
    ]
    follow(rows, 'read', { arm: (name: string, at: number) => armed.push([name, at]) }, { now: 1, soon: 2 })
    expect(armed).toEqual([
      ['typing', 1_001],
      ['receipts', 5],
    ])
  })
})

describe('receipts', () => {
  it.each([
    [0, 1_000],
    [20, 1_000],
    [21, 1_050],
    [60, 3_000],
    [100, 5_000],
    [10_000, 5_000],
  ])('that %i subscribers are to hear wait %i ms for others', (subscribers, ms) => {
    expect(receiptsWait(subscribers)).toBe(ms)
  })
})
