/** What a Room keeps of the answers of its tables between two mutations. */
import { describe, expect, it } from 'vitest'
import { Recall } from '../../../../durable-objects/room/rows/recall.ts'

function counting() {
  let reads = 0
  return { read: () => ++reads, reads: () => reads }
}

describe('an answer of the tables', () => {
  it('is read once for all who ask the same', () => {
    const recall = new Recall()
    const { read } = counting()
    expect([recall.once('a', read), recall.once('a', read), recall.once('b', read)]).toEqual([1, 1, 2])
  })

  it('is kept where it is that there is nothing', () => {
    const recall = new Recall()
    const { read, reads } = counting()
    const nothing = () => void read()
    expect([recall.once('a', nothing), recall.once('a', nothing)]).toEqual([undefined, undefined])
    expect(reads()).toBe(1)
  })

  it('is read anew after a mutation', () => {
    const recall = new Recall()
    const { read } = counting()
    recall.once('a', read)
    recall.mutating(() => undefined)
    expect(recall.once('a', read)).toBe(2)
  })

  it('is read each time while a mutation is under way, and not kept after it', () => {
    const recall = new Recall()
    const { read } = counting()
    recall.once('a', read)
    const seen = recall.mutating(() => [
      recall.kept('a'),
      recall.once('a', read),
      recall.mutating(() => recall.once('a', read)),
      recall.once('a', read),
    ])
    expect(seen).toEqual([undefined, 2, 3, 4])
    expect(recall.once('a', read)).toBe(5)
  })

  it('is read anew after a mutation that failed', () => {
    const recall = new Recall()
    const { read } = counting()
    recall.once('a', read)
    const fail = () => {
      throw new Error('no room')
    }
    expect(() => recall.mutating(fail)).toThrow('no room')
    expect(recall.once('a', read)).toBe(2)
  })

  it('is dropped with all others once they are longer than a Room may keep', () => {
    const recall = new Recall()
    const { read } = counting()
    recall.once('a', read, () => 900_000)
    recall.once('b', read, () => 90_000)
    expect(recall.once('a', read)).toBe(1)
    recall.once('c', read, () => 90_000)
    expect(recall.once('a', read)).toBe(4)
  })
})

describe('what is made of a row', () => {
  it('is made once by each name, for this row alone', () => {
    const recall = new Recall()
    const { read } = counting()
    const [row, twin] = [{ pos: 1 }, { pos: 1 }]
    const made = [row, row, twin].map((one) => recall.viewOf(one, 'x', read))
    expect([...made, recall.viewOf(row, 'y', read)]).toEqual([1, 1, 2, 3])
  })

  it('is made anew after a mutation, and each time while one is under way', () => {
    const recall = new Recall()
    const { read } = counting()
    const row = { pos: 1 }
    recall.viewOf(row, 'x', read)
    const within = recall.mutating(() => [recall.viewOf(row, 'x', read), recall.viewOf(row, 'x', read)])
    expect([...within, recall.viewOf(row, 'x', read)]).toEqual([2, 3, 4])
  })
})
