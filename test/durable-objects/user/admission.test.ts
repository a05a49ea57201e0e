/** Which questions to Rooms go first, and what becomes of the others (decision 39). */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Admission, type AdmittedSync } from '../../../durable-objects/user/sync/streams/admission.ts'

const LONG = 10

let admission: Admission
/** The names of the questions that were admitted, in order. */
let admitted: string[]
let ends: Map<string, PromiseWithResolvers<void>>

beforeEach(() => {
  vi.useFakeTimers()
  admission = new Admission(2, { now: () => Date.now() })
  admitted = []
  ends = new Map()
})

afterEach(() => {
  vi.useRealTimers()
})

const turn = () => vi.advanceTimersByTimeAsync(0)

/** Asks; comes back when the question was admitted, or waits. */
async function ask(sync: AdmittedSync, name: string, rooms = 1): Promise<void> {
  const end = Promise.withResolvers<void>()
  ends.set(name, end)
  const question = () => {
    admitted.push(name)
    return end.promise
  }
  void sync.ask(rooms, question).catch(() => undefined)
  await turn()
}

/** Each is a sync of its own. */
async function askAll(rooms: number, ...names: string[]): Promise<void> {
  for (const name of names) await ask(admission.begin(rooms), name)
}

async function end(...names: string[]): Promise<void> {
  for (const name of names) {
    ends.get(name)?.resolve()
    await turn()
  }
}

it('as many are admitted at once as the limit says, and one more for each that ends', async () => {
  await askAll(LONG, 'a', 'b')
  expect(admission.hasWaiting).toBe(false)
  await askAll(LONG, 'c', 'd')
  expect(admitted).toEqual(['a', 'b'])
  expect(admission.hasWaiting).toBe(true)
  await end('b')
  expect(admitted).toEqual(['a', 'b', 'c'])
  await end('a')
  expect(admitted).toEqual(['a', 'b', 'c', 'd'])
  expect(admission.hasWaiting).toBe(false)
})

it('one that fails makes room like any other', async () => {
  await askAll(LONG, 'a', 'b', 'c', 'd')
  ends.get('a')?.reject(new Error('A Room was not reached'))
  await turn()
  expect(admitted).toEqual(['a', 'b', 'c'])
})

it('the sync that began first goes on before those that came later', async () => {
  const [first, second] = [admission.begin(LONG), admission.begin(LONG)]
  await ask(second, 'second 1')
  await ask(second, 'second 2')
  await ask(second, 'second 3')
  await ask(first, 'first 1')
  await end('second 1')
  expect(admitted).toEqual(['second 1', 'second 2', 'first 1'])
})

it('a sync that has asked 25 Rooms goes behind the others', async () => {
  const [first, second] = [admission.begin(100), admission.begin(LONG)]
  await ask(first, 'first 1', 25)
  await ask(second, 'second 1')
  await ask(first, 'first 2', 25)
  await end('first 1')
  expect(admitted).toEqual(['first 1', 'second 1', 'first 2'])
})

it('Rooms that are asked together count as many, and are admitted though they are more than the limit', async () => {
  await ask(admission.begin(100), 'together', 25)
  await askAll(LONG, 'one')
  expect(admitted).toEqual(['together'])
  await end('together')
  expect(admitted).toEqual(['together', 'one'])
})

it('a sync that shows at most three new rooms waits for nobody, and counts for nobody', async () => {
  await askAll(LONG, 'a', 'b', 'c')
  await askAll(3, 'few 1', 'few 2')
  expect(admitted).toEqual(['a', 'b', 'few 1', 'few 2'])
  await end('few 1', 'few 2')
  expect(admitted).toEqual(['a', 'b', 'few 1', 'few 2'])
  await askAll(4, 'four')
  await end('a', 'b')
  expect(admitted).toEqual(['a', 'b', 'few 1', 'few 2', 'c', 'four'])
})

it('one that has not ended after a second makes room, and its late end makes none', async () => {
  await askAll(LONG, 'a', 'b', 'c', 'd', 'e')
  await vi.advanceTimersByTimeAsync(500)
  await end('a')
  expect(admitted).toEqual(['a', 'b', 'c'])
  await vi.advanceTimersByTimeAsync(500)
  expect(admitted).toEqual(['a', 'b', 'c', 'd'])
  await end('b')
  expect(admitted).toEqual(['a', 'b', 'c', 'd'])
})

it('one whose object went while it waited keeps nobody out for longer than a second', async () => {
  await askAll(LONG, 'a', 'b', 'gone 1', 'gone 2', 'c')
  // Nothing runs any more that would end what these two are admitted to.
  await end('a', 'b')
  expect(admitted).toEqual(['a', 'b', 'gone 1', 'gone 2'])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(admitted).toEqual(['a', 'b', 'gone 1', 'gone 2', 'c'])
})
