/** Several buckets as one: what is in any of them is there once, and one is written. */
import { describe, expect, it } from 'vitest'
import type { Bucket, BucketObject } from '../../../../src/ports/bucket.ts'
import { layered } from '../../../../src/storage/media/layered.ts'

/** A bucket in memory, with conditions. */
function memory(keys: string[] = []) {
  const held = new Map<string, string>(keys.map((key) => [key, `of ${key}`]))
  const etagOf = (key: string) => `"${held.get(key)}"`
  const objectOf = (key: string): BucketObject | undefined =>
    held.has(key)
      ? { key, size: held.get(key)!.length, etag: etagOf(key), modified: 0, custom: {} }
      : undefined
  const bucket: Bucket = {
    head: async (key) => objectOf(key),
    read: async (key) => (held.has(key) ? new Blob([held.get(key)!]).stream() : undefined),
    async put(key, content, _, onlyIf) {
      if (onlyIf === 'absent' && held.has(key)) return false
      if (onlyIf !== undefined && onlyIf !== 'absent' && onlyIf.etag !== etagOf(key)) return false
      held.set(key, Buffer.from(content as Uint8Array).toString())
      return true
    },
    async putParts(key, parts) {
      if (held.has(key)) return false
      let whole = ''
      for await (const part of parts) whole += Buffer.from(part).toString()
      held.set(key, whole)
      return true
    },
    async remove(given) {
      for (const key of given) held.delete(key)
    },
    async list(prefix, limit, after = '') {
      const all = [...held.keys()].filter((key) => key.startsWith(prefix) && key > after).sort()
      return all.length <= limit ? { keys: all } : { keys: all.slice(0, limit), next: all[limit - 1]! }
    },
  }
  return { bucket, held }
}

const text = async (stream: ReadableStream | undefined) => stream && new Response(stream).text()
const bytes = (words: string) => new TextEncoder().encode(words)
const tags = { custom: {} }

describe('a list', () => {
  const [one, other] = [
    ['a/1', 'a/3', 'a/5', 'a/6', 'b/1'],
    ['a/2', 'a/3', 'a/4', 'a/9', 'c/1'],
  ]
  const all = ['a/1', 'a/2', 'a/3', 'a/4', 'a/5', 'a/6', 'a/9']

  it.each([1, 2, 3, 4, 6, 7, 100])('is of all buckets, each key once, in pages of %i', async (limit) => {
    const both = layered(memory(one).bucket, [memory(other).bucket, memory([]).bucket])
    const found: string[] = []
    let after: string | undefined
    do {
      const page = await both.list('a/', limit, after)
      expect(page.keys.length).toBeLessThanOrEqual(limit)
      found.push(...page.keys)
      after = page.next
    } while (after !== undefined)
    expect(found).toEqual(all)
  })
})

describe('what is read', () => {
  it('is found in any bucket, first in the first', async () => {
    const [first, second] = [memory(['a']), memory(['a', 'b'])]
    first.held.set('a', 'mine')
    const both = layered(first.bucket, [second.bucket])
    expect(await text(await both.read('a'))).toBe('mine')
    expect(await text(await both.read('b'))).toBe('of b')
    expect((await both.head('b'))?.size).toBe(4)
    expect([await both.read('c'), await both.head('c')]).toEqual([undefined, undefined])
  })
})

describe('what is written', () => {
  it('goes to the first bucket', async () => {
    const [first, second] = [memory(), memory()]
    const both = layered(first.bucket, [second.bucket])
    expect(await both.put('a', bytes('x'), tags)).toBe(true)
    expect(await both.put('b', bytes('y'), tags, 'absent')).toBe(true)
    expect([[...first.held.keys()], second.held.size]).toEqual([['a', 'b'], 0])
  })

  it('where there is nothing yet, has nothing in the others either', async () => {
    const [first, second] = [memory(), memory(['a'])]
    const both = layered(first.bucket, [second.bucket])
    const parts = (async function* () {
      yield bytes('x')
    })()
    expect(await both.put('a', bytes('x'), tags, 'absent')).toBe(false)
    expect(await both.putParts('a', parts, tags)).toBe(false)
    expect(first.held.size).toBe(0)
  })

  it.each([
    ['the first', true],
    ['another', false],
  ])('in place of what is in %s bucket needs its etag', async (_, isFirst) => {
    const [first, second] = [memory(isFirst ? ['a'] : []), memory(isFirst ? [] : ['a'])]
    const both = layered(first.bucket, [second.bucket])
    expect(await both.put('a', bytes('x'), tags, { etag: '"wrong"' })).toBe(false)
    expect(await both.put('a', bytes('x'), tags, { etag: '"of a"' })).toBe(true)
    expect(await text(await both.read('a'))).toBe('x')
  })
})

it('what is removed is in no bucket, also where a copy is made meanwhile', async () => {
  const [first, second] = [memory(['a']), memory()]
  const { remove } = second.bucket
  let passes = 0
  // The copy arrives when the second bucket has been asked and the first has not lost it yet.
  second.bucket.remove = async (keys) => {
    await remove(keys)
    passes += 1
    if (passes === 1) second.held.set('a', 'of a')
  }
  await layered(first.bucket, [second.bucket]).remove(['a'])
  expect([first.held.size, second.held.size]).toEqual([0, 0])
})
