/** JSON read without losing a number, and written as other servers write it. */
import { describe, expect, test } from 'vitest'
import { canonicalJson } from '../../../../src/protocol/events/canonical-json.ts'
import { parseExactJson } from '../../../../src/protocol/events/exact-json.ts'
import { seeded } from '../../../fuzz/random.ts'

const REFUSED = Symbol('refused')

function outcomeOf(read: () => unknown): unknown {
  try {
    // Canonical JSON has no -0 among integers, and neither has what this writes.
    return JSON.parse(JSON.stringify(read()))
  } catch {
    return REFUSED
  }
}

const written = (text: string) => canonicalJson(parseExactJson(text), 'any')

describe('numbers', () => {
  // The right side is what `json.dumps(json.loads(…))` of CPython 3.11 writes.
  test.each([
    ['1.0', '1.0'],
    ['-1.0', '-1.0'],
    ['0.0', '0.0'],
    ['-0.0', '-0.0'],
    ['-0', '0'],
    ['1e0', '1.0'],
    ['1E3', '1000.0'],
    ['1.50', '1.5'],
    ['100.0', '100.0'],
    ['1e15', '1000000000000000.0'],
    ['1e16', '1e+16'],
    ['123456789012345678.5', '1.2345678901234568e+17'],
    ['1.5e16', '1.5e+16'],
    ['1e21', '1e+21'],
    ['1.7976931348623157e308', '1.7976931348623157e+308'],
    ['5e-324', '5e-324'],
    ['0.0001', '0.0001'],
    ['0.00001', '1e-05'],
    ['0.000012345', '1.2345e-05'],
    ['1e-7', '1e-07'],
    ['-2.5e-10', '-2.5e-10'],
    ['1e-400', '0.0'],
    ['123456.789e3', '123456789.0'],
    ['3.141592653589793', '3.141592653589793'],
    ['12345678901234567890', '12345678901234567890'],
    ['9007199254740993', '9007199254740993'],
    ['-9007199254740993', '-9007199254740993'],
    ['42', '42'],
  ])('%s is written %s', (text, canonical) => {
    expect(written(text)).toBe(canonical)
    expect(written(`{"b":[${text}],"a":${text}}`)).toBe(`{"a":${canonical},"b":[${canonical}]}`)
  })

  test('are refused where canonical JSON is strict', () => {
    const strict = (text: string) => canonicalJson(parseExactJson(text))
    for (const text of ['[1.0]', '{"a":1e0}', '-0.0', '1e16', '1e-7']) {
      expect(() => strict(text)).toThrow('Numbers in events must be written as integers')
    }
    for (const text of ['{"a":9007199254740993}', '-9007199254740993', '12345678901234567890']) {
      expect(() => strict(text)).toThrow('Numbers must be integers between')
    }
    expect(strict('[-0,9007199254740991,-9007199254740991]')).toBe('[0,9007199254740991,-9007199254740991]')
  })

  test('are refused beyond doubles, and with thousands of digits', () => {
    expect(() => parseExactJson('[1e400]')).toThrow('Numbers must fit in 64 bits')
    for (const sign of ['', '-']) {
      const most = sign + '9'.repeat(4_300)
      expect(written(most)).toBe(most)
      expect(() => parseExactJson(`${most}9`)).toThrow('too many digits')
    }
  })
})

describe('all else', () => {
  test.each([
    '{"b":1,"a":[true,false,null,"x"],"c":{}}',
    ' { "a" : [ ] , "b" : { "c" : [ 1 , 2 ] } } ',
    '{"a":1,"a":2}',
    '"\\u00e9\\n\\"\\\\\\/ \\ud83d\\ude00"',
    '{"__proto__":{"a":1},"constructor":2}',
    '[[[[[]]]]]',
    '""',
  ])('is what JSON.parse has: %s', (text) => {
    const parsed = JSON.parse(text) as never
    expect(parseExactJson(text)).toEqual(parsed)
    expect(written(text)).toBe(canonicalJson(parsed, 'any'))
  })

  test.each([
    '',
    ' ',
    '{',
    '[1,]',
    '{"a":1,}',
    '{a:1}',
    "{'a':1}",
    '{"a" 1}',
    '[1 2]',
    '01',
    '1.',
    '.5',
    '+1',
    '- 1',
    'NaN',
    'Infinity',
    'tru',
    '"a',
    '"\t"',
    '"\\x"',
    '"\\u12"',
    '{} {}',
    '[1]x',
    '\ufeff{}',
    '\u00a0{}',
  ])('that is not JSON is refused: %j', (text) => {
    expect(() => JSON.parse(text)).toThrow()
    expect(() => parseExactJson(text)).toThrow('The text is not valid JSON')
  })

  test('is read, or refused, as JSON.parse does, whatever is changed in it', () => {
    const random = seeded(6)
    const text = ' {"a": [1, -20, "x\\n\\u00e9"], "b": {"c": null, "d": true}, "": "\\u0041"} '
    const pieces = [...'{}[]:,"\\ \t\n0123-.eEtfnu/x\u00e9\u0000', 'true', 'null', '\\u', '""', '']
    let read = 0
    for (let count = 0; count < 20_000; count++) {
      const at = random.below(text.length)
      const changed = text.slice(0, at) + random.pick(pieces) + text.slice(at + random.below(3))
      const parsed = outcomeOf(() => JSON.parse(changed))
      const exact = outcomeOf(() => JSON.parse(written(changed)))
      expect(exact, changed).toEqual(parsed)
      if (parsed !== REFUSED) read++
    }
    expect(read).toBeGreaterThan(1_000)
  })

  test('is refused where it is nested too deeply, before it takes the stack', () => {
    for (const depth of [1_100, 1_000_000]) {
      expect(() => parseExactJson('['.repeat(depth))).toThrow('JSON is nested too deeply')
      expect(() => parseExactJson('{"a":'.repeat(depth))).toThrow('JSON is nested too deeply')
    }
    expect(parseExactJson('['.repeat(900) + ']'.repeat(900))).toHaveLength(1)
  })

  test('is read in strings of megabytes', () => {
    const long = `"${'a\\n'.repeat(1_000_000)}"`
    expect(parseExactJson(long)).toHaveLength(2_000_000)
    expect(() => parseExactJson(long.slice(0, -1))).toThrow('The text is not valid JSON')
  })
})
