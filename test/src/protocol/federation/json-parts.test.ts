/** Cutting JSON into its parts as its bytes come. */
import { describe, expect, it } from 'vitest'
import { canonicalJson, type JsonValue } from '../../../../src/protocol/events/canonical-json.ts'
import { JsonParts, LARGEST_PART, partsOf } from '../../../../src/protocol/federation/json-parts.ts'

const VALUES: JsonValue[] = [
  null,
  true,
  0,
  -1.5,
  '',
  'a "quoted" \\ word\\\\',
  '] } , : [ {',
  '\u2028\u0000é𝄞',
  [],
  [[], [[1]], ['],[']],
  {},
  { a: { b: ['}'] }, 'c"]': '\\"' },
]

const texts = (list: Uint8Array[] | undefined) => list?.map((bytes) => new TextDecoder().decode(bytes))

/** The elements of the list `a` of a text that comes in pieces of so many bytes. */
function elementsOf(text: string, most = 100, piece = Number.POSITIVE_INFINITY): string[] | undefined {
  const parts = new JsonParts({ lists: ['a'], most })
  const bytes = new TextEncoder().encode(text)
  for (let at = 0; at < bytes.length; at += piece) parts.add(bytes.subarray(at, at + piece))
  parts.end()
  return texts(parts.lists.get('a'))
}

const membersOf = (text: string, members: string[]) => partsOf(text, { members }).members

describe('parts of JSON', () => {
  it.each([1, 2, 3, 7, 1_000])('are the elements of a wanted list that comes %i bytes at a time', (piece) => {
    for (const spaces of [undefined, 1, 4]) {
      const text = ` ${JSON.stringify({ b: VALUES, a: VALUES, c: 1 }, null, spaces)}\n`
      expect(elementsOf(text, VALUES.length, piece)?.map((part) => JSON.parse(part))).toEqual(VALUES)
    }
    expect(elementsOf('{"a":[]}', 0, piece)).toEqual([])
    expect(elementsOf(' { "a" : [ ] } ', 0, piece)).toEqual([])
  })

  it('are the texts of an object’s values, by their keys', () => {
    const object = Object.fromEntries(VALUES.map((value, n) => [`key "${n}"`, value]))
    for (const text of [canonicalJson(object, 'any'), JSON.stringify(object, null, 2)]) {
      const members = membersOf(text, Object.keys(object))
      expect([...members].map(([key, part]) => [key, JSON.parse(part)]).sort()).toEqual(
        Object.entries(object).sort(),
      )
    }
  })

  it('keep a number as it was written', () => {
    expect(elementsOf('{"a":[1.0, 12345678901234567890]}')).toEqual(['1.0', '12345678901234567890'])
  })

  it('are, of a key that stands twice, those of the last one', () => {
    expect(membersOf('{"a":1,"\\u0061":2,"b":4,"__proto__":3}', ['a', '__proto__'])).toEqual(
      new Map([
        ['a', '2'],
        ['__proto__', '3'],
      ]),
    )
    expect(elementsOf('{"a":[1],"a":[2]}')).toEqual(['2'])
  })

  it('are no more than allowed, in all lists together', () => {
    expect(() => elementsOf('{"a":[1,2,3]}', 2)).toThrow('at most 2')
    const parts = new JsonParts({ lists: ['a', 'b'], most: 3 })
    expect(parts.add(new TextEncoder().encode('{"a":[1,2],"b":[3,4'))).toBe(true)
    expect(parts.add(new TextEncoder().encode(',5'))).toBe(false)
    expect(() => parts.end()).toThrow('at most 3')
  })

  it('are the first ones where the rest is not wanted, which is not read', () => {
    const parts = new JsonParts({ lists: ['a'], most: 2, whenMore: 'stop' })
    expect(parts.add(new TextEncoder().encode('{"a":[1,2'))).toBe(true)
    expect(parts.add(new TextEncoder().encode(',3,'))).toBe(false)
    parts.end()
    expect(texts(parts.lists.get('a'))).toEqual(['1', '2'])
  })

  it('are none of what is larger than any event', () => {
    const large = JSON.stringify('x'.repeat(LARGEST_PART))
    for (const piece of [1_000, Number.POSITIVE_INFINITY]) {
      expect(elementsOf(`{"b":${large},"a":[1,${large},2],"c":${large}}`, 3, piece)).toEqual(['1', '2'])
    }
    expect(membersOf(`{"a":${large},"b":1}`, ['a', 'b'])).toEqual(new Map([['b', '1']]))
    for (const text of [`{${large}:1}`, `{"a":[${large},]}`, `{"a":[]${large}}`, `{"a":1}${large}`])
      expect(() => elementsOf(text)).toThrow('Not JSON')
  })

  it.each(['[', '[1', '[1,]', '[,1]', '[1]]', '[1] 2', '["a]', '["a\\"]', '[{]', '[1}'])(
    'of a list are none in %j',
    (text) => {
      expect(() => elementsOf(`{"a":${text}}`)).toThrow('Not JSON')
    },
  )

  it.each([
    '',
    ' ',
    '1',
    '"a"',
    '{',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{a:1}',
    '{1:2}',
    '{"a":1}}',
    '{"a":1} 2',
    '{"a":[}',
    '[]',
    '{"a" "b"}',
  ])('of an object are none in %j', (text) => {
    expect(() => membersOf(text, ['a'])).toThrow('Not JSON')
  })

  it('cost time by the length of the text alone', () => {
    const backslashes = `{"a":["${'\\\\'.repeat(190_000)}"]}`
    expect(elementsOf(backslashes, 1)).toHaveLength(1)
    const nested = `{"a":[${'['.repeat(190_000)}${']'.repeat(190_000)}]}`
    expect(elementsOf(nested, 1)).toHaveLength(1)
  })
})
