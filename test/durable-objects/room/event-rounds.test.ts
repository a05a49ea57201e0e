/** Rooms that tell a partition of the event stream together: who calls, when, and what becomes of a call that is lost. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Caller, Round, type Teller } from '../../../durable-objects/room/tell/event-rounds.ts'
import type { Delivery } from '../../../src/objects/partition/records.ts'

const SPACING_MS = 100
const SILENCE_MS = 2_000
const LONGEST_MS = 150
const UNREAD_MS = 800

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

/** A room that has so many deliveries to tell, one after the other. */
class FakeRoom implements Teller, Caller {
  readonly calls: string[][] = []
  readonly told: number[] = []
  readonly lostOnes: number[] = []
  /** How its calls end. */
  answer: () => Promise<boolean> = async () => true
  readonly #name: string
  #next = 0
  #left: number

  constructor(name: string, left = 1) {
    this.#name = name
    this.#left = left
  }

  take(): Delivery | undefined {
    if (this.#left === 0) return undefined
    this.#left -= 1
    this.#next += 1
    return { source: this.#name, records: [], strips: [], upTo: this.#next }
  }

  taken({ upTo }: Delivery): boolean {
    this.told.push(upTo)
    return this.#left > 0
  }

  lost({ upTo }: Delivery): void {
    this.lostOnes.push(upTo)
  }

  deliver(deliveries: Delivery[]): Promise<boolean> {
    this.calls.push(deliveries.map(({ source }) => source))
    return this.answer()
  }

  now(): number {
    return Date.now()
  }
}

const joins = (round: Round, ...rooms: FakeRoom[]) => {
  for (const room of rooms) round.join(room, room, { isUrgent: false })
}

it('tells at once after a rest, and then what has gathered in one call of one room', async () => {
  const round = new Round()
  const [a, b, c] = [new FakeRoom('a'), new FakeRoom('b'), new FakeRoom('c')]
  joins(round, a)
  await vi.advanceTimersByTimeAsync(0)
  expect(a.calls).toEqual([['a']])
  joins(round, b, c)
  await vi.advanceTimersByTimeAsync(SPACING_MS - 1)
  expect([...b.calls, ...c.calls]).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect([b.calls, c.calls]).toEqual([[['b', 'c']], []])
  expect([a.told, b.told, c.told]).toEqual([[1], [1], [1]])
})

it('has one call under way: what comes meanwhile goes with the next one', async () => {
  const round = new Round()
  const [a, b] = [new FakeRoom('a'), new FakeRoom('b')]
  const answer = Promise.withResolvers<boolean>()
  a.answer = () => answer.promise
  joins(round, a)
  await vi.advanceTimersByTimeAsync(0)
  joins(round, b)
  await vi.advanceTimersByTimeAsync(SPACING_MS * 3)
  expect([a.calls, b.calls]).toEqual([[['a']], []])
  answer.resolve(true)
  await vi.advanceTimersByTimeAsync(0)
  // The room that has called goes on calling for those that wait.
  expect(a.calls).toEqual([['a'], ['b']])
  expect(b.told).toEqual([1])
})

it('goes on while a room has more to tell', async () => {
  const round = new Round()
  const a = new FakeRoom('a', 3)
  joins(round, a)
  await vi.advanceTimersByTimeAsync(SPACING_MS * 2)
  expect(a.told).toEqual([1, 2, 3])
})

it('tells all rooms of a call that it was lost, and goes on with those that come after', async () => {
  const round = new Round()
  const [a, b, c] = [new FakeRoom('a'), new FakeRoom('b'), new FakeRoom('c')]
  a.answer = () => Promise.reject(new Error('lost'))
  joins(round, a, b)
  await vi.advanceTimersByTimeAsync(0)
  expect([a.told, b.told, a.lostOnes, b.lostOnes]).toEqual([[], [], [1], [1]])
  joins(round, c)
  await vi.advanceTimersByTimeAsync(SPACING_MS)
  expect(c.told).toEqual([1])
})

it('waits for a room that is to call no longer than two seconds', async () => {
  const round = new Round()
  const [dead, b, c] = [new FakeRoom('dead'), new FakeRoom('b'), new FakeRoom('c')]
  dead.answer = () => new Promise(() => undefined)
  joins(round, dead)
  await vi.advanceTimersByTimeAsync(0)
  joins(round, b)
  await vi.advanceTimersByTimeAsync(SILENCE_MS - 1)
  joins(round, b)
  expect(b.calls).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  joins(round, c)
  await vi.advanceTimersByTimeAsync(0)
  expect(c.calls).toEqual([['b', 'c']])
})

it('takes the late answer of a room that was given up, which calls no more', async () => {
  const round = new Round()
  const [late, b] = [new FakeRoom('late'), new FakeRoom('b')]
  const answer = Promise.withResolvers<boolean>()
  late.answer = () => answer.promise
  joins(round, late)
  await vi.advanceTimersByTimeAsync(SILENCE_MS)
  b.answer = () => new Promise(() => undefined)
  joins(round, b)
  await vi.advanceTimersByTimeAsync(0)
  joins(round, new FakeRoom('waiting'))
  answer.resolve(true)
  await vi.advanceTimersByTimeAsync(SPACING_MS)
  expect(late.told).toEqual([1])
  expect([late.calls, b.calls]).toEqual([[['late']], [['b']]])
})

it('has a room call for others for two seconds at most, unless it has something to tell itself', async () => {
  const round = new Round()
  const [caller, talker] = [new FakeRoom('caller'), new FakeRoom('talker', 1_000)]
  joins(round, caller)
  joins(round, talker)
  await vi.advanceTimersByTimeAsync(SPACING_MS * 100)
  expect(caller.calls).toHaveLength(21)
  expect(talker.calls).toEqual([])
  joins(round, talker)
  await vi.advanceTimersByTimeAsync(0)
  expect(talker.calls).toHaveLength(1)
})

it('leaves out a room that has left, or has nothing to tell by now', async () => {
  const round = new Round()
  const [a, b, c] = [new FakeRoom('a'), new FakeRoom('b'), new FakeRoom('c', 0)]
  joins(round, a, b, c)
  round.leave(b)
  await vi.advanceTimersByTimeAsync(SPACING_MS)
  expect(a.calls).toEqual([['a']])
})

it('makes no call of more than about half a million characters', async () => {
  const round = new Round()
  const [a, b] = [new FakeRoom('a'), new FakeRoom('b')]
  const { take } = a
  a.take = () => {
    const delivery = take.call(a)
    const record = { pos: 1, topic: 'events', body: 'x'.repeat(500_001) } as const
    return delivery && { ...delivery, records: [record] }
  }
  joins(round, a, b)
  await vi.advanceTimersByTimeAsync(0)
  expect(a.calls).toEqual([['a']])
  await vi.advanceTimersByTimeAsync(SPACING_MS)
  expect(a.calls).toEqual([['a'], ['b']])
})

it('calls less often where turns come late, but six times a second, and as often as before once they do not', async () => {
  const round = new Round()
  const times: number[] = []
  const a = new FakeRoom('a', 1_000)
  a.deliver = async () => times.push(Date.now()) > 0
  const pause = () => (times.at(-1) ?? 0) - (times.at(-2) ?? 0)
  const callsWith = async (late: number) => {
    for (let call = 0; call < 15; call += 1) {
      joins(round, a)
      // The clock goes on, and the turn that is due by then comes later.
      vi.setSystemTime(Date.now() + late)
      await vi.advanceTimersToNextTimerAsync()
    }
  }
  await callsWith(0)
  expect(pause()).toBe(SPACING_MS)
  await callsWith(4)
  expect(pause()).toBe(SPACING_MS + 4)
  await callsWith(10)
  expect(pause()).toBeGreaterThan(SPACING_MS + 40)
  await callsWith(200)
  expect(pause()).toBe(LONGEST_MS + 200)
  await callsWith(0)
  expect(pause()).toBe(SPACING_MS)
})

describe('while nobody reads the partition', () => {
  let round: Round
  let a: FakeRoom
  let b: FakeRoom

  beforeEach(async () => {
    round = new Round()
    a = new FakeRoom('a', 2)
    b = new FakeRoom('b', 2)
    for (const room of [a, b]) room.answer = async () => false
    a.take = () => undefined
    joins(round, a, b)
    await vi.advanceTimersByTimeAsync(0)
    expect(a.calls).toEqual([['b']])
  })

  it('tells at once after a rest, and then only after a longer pause', async () => {
    await vi.advanceTimersByTimeAsync(UNREAD_MS - 1)
    expect(a.calls).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(a.calls).toEqual([['b'], ['b']])
  })

  it('calls as often as before once somebody reads', async () => {
    a.answer = async () => true
    await vi.advanceTimersByTimeAsync(UNREAD_MS)
    expect(round.dueAt).toBe(Date.now() + SPACING_MS)
  })

  it('has one that has much to tell make the call sooner, and is as slow as before after it', async () => {
    await vi.advanceTimersByTimeAsync(SPACING_MS / 2)
    round.join(b, b, { isUrgent: true })
    await vi.advanceTimersByTimeAsync(SPACING_MS / 2 - 1)
    expect(b.calls).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect([a.calls, b.calls]).toEqual([[['b']], [['b']]])
    expect(round.dueAt).toBe(Date.now() + UNREAD_MS)
  })

  it('makes no second call for one that has much to tell while one is under way', async () => {
    const answer = Promise.withResolvers<boolean>()
    a.answer = () => answer.promise
    await vi.advanceTimersByTimeAsync(UNREAD_MS)
    const much = new FakeRoom('much')
    round.join(much, much, { isUrgent: true })
    await vi.advanceTimersByTimeAsync(SPACING_MS)
    expect([a.calls.length, much.calls.length]).toEqual([2, 0])
    answer.resolve(false)
    await vi.advanceTimersByTimeAsync(0)
    expect(a.calls).toEqual([['b'], ['b'], ['much']])
  })
})
