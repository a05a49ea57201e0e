/** Cutting JSON into the texts of its parts. */
import { describe, expect, it } from 'vitest'
import { canonicalJson, type JsonValue } from '../../../../src/protocol/events/canonical-json.ts'
import { elementsOf, membersOf } from '../../../../src/protocol/federation/json-parts.ts'

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

describe('parts of JSON', () => {
  it('are the texts of a list’s values', () => {
    for (const spaces of [undefined, 1, 4]) {
      const text = ` ${JSON.stringify(VALUES, null, spaces)}\n`
      expect(elementsOf(text, VALUES.length).map((part) => JSON.parse(part))).toEqual(VALUES)
    }
    expect(elementsOf('[]', 0)).toEqual([])
    expect(elementsOf(' [ ] ', 0)).toEqual([])
  })

  it('are the texts of an object’s values, by their keys', () => {
    const object = Object.fromEntries(VALUES.map((value, n) => [`key "${n}"`, value]))
    for (const text of [canonicalJson(object, 'any'), JSON.stringify(object, null, 2)]) {
      const members = membersOf(text)
      expect([...members].map(([key, part]) => [key, JSON.parse(part)]).sort()).toEqual(
        Object.entries(object).sort(),
      )
    }
  })

  it('keep a number as it was written', () => {
    expect(elementsOf('[1.0, 12345678901234567890]', 2)).toEqual(['1.0', '12345678901234567890'])
  })

  it('are, of a key that stands twice, those of the last one', () => {
    expect(membersOf('{"a":1,"\\u0061":2,"__proto__":3}')).toEqual(
      new Map([
        ['a', '2'],
        ['__proto__', '3'],
      ]),
    )
  })

  it('are no more than allowed', () => {
    expect(() => elementsOf('[1,2,3]', 2)).toThrow('at most 2')
  })

  it.each([
    '',
    ' ',
    '[',
    '[1',
    '[1,]',
    '[,1]',
    '[1 2]',
    '[1]]',
    '[1] 2',
    '["a]',
    '["a\\"]',
    '[{]',
    '{}',
    '1',
    '"a"',
  ])('of a list are none in %j', (text) => {
    expect(() => elementsOf(text, 10)).toThrow('Not JSON')
  })

  it.each([
    '',
    '{',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{a:1}',
    '{1:2}',
    '{"a":1}}',
    '{"a":[}',
    '[]',
    '{"a" "b"}',
  ])('of an object are none in %j', (text) => {
    expect(() => membersOf(text)).toThrow('Not JSON')
  })

  it('cost time by the length of the text alone', () => {
    const backslashes = `["${'\\\\'.repeat(200_000)}"]`
    expect(elementsOf(backslashes, 1)).toHaveLength(1)
    const nested = `[${'['.repeat(200_000)}${']'.repeat(200_000)}]`
    expect(elementsOf(nested, 1)).toHaveLength(1)
  })
})
