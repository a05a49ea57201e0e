/** The X-Matrix header: made, read, and refused where it is malformed. */
import { describe, expect, test } from 'vitest'
import { canonicalJson } from '../../../../src/protocol/events/canonical-json.ts'
import { parseExactJson } from '../../../../src/protocol/events/exact-json.ts'
import { signingKey } from '../../../../src/protocol/events/signing.ts'
import {
  isRequestSigned,
  makeXMatrix,
  parseXMatrix,
  type SignedRequest,
} from '../../../../src/protocol/federation/x-matrix.ts'

const key = signingKey('ed25519:1', 'YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1')
const other = signingKey('ed25519:1', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')

const GET: SignedRequest = {
  method: 'GET',
  uri: '/_matrix/federation/v1/send/1?a=%20',
  destination: 'b.example',
}
const BODY = '{"b":[1.0,{"z":1,"é":"\\ud83d\\ude00"}], "a":true}'
const PUT: SignedRequest = { ...GET, method: 'PUT', content: canonicalJson(parseExactJson(BODY), 'any') }

/** As signedjson of PyPI signs the same requests. */
const GET_SIGNATURE = 'czvbRdjWSl30B/ygGxRjppjL/EHrXENlz8njgFaFi2ugqMfqTH8AL/+thZLKPZuz//6I0ofglgKQE2UDm1ItAQ'
const PUT_SIGNATURE = 'cAg9xgVvtHW4gZT8s9j7YZzt4lgJNW4s8DeIVRCh2zVbq6bQdsh5IQjYQY/VQp5yMrPWodW8Ho9TQodhabRHAQ'

describe('making', () => {
  test.each([
    ['without a body', GET, GET_SIGNATURE],
    ['with a body, whose numbers stay as they are', PUT, PUT_SIGNATURE],
  ])('signs a request %s', (_name, request, signature) => {
    expect(makeXMatrix('a.example', request, key)).toBe(
      `X-Matrix origin="a.example",destination="b.example",key="ed25519:1",sig="${signature}"`,
    )
  })

  test('makes what is read and found valid', () => {
    for (const request of [GET, PUT]) {
      const found = parseXMatrix(makeXMatrix('[::1]:8448', request, key))
      expect(found).toHaveLength(1)
      for (const one of found) {
        expect(one).toMatchObject({ origin: '[::1]:8448', destination: 'b.example', keyId: 'ed25519:1' })
        expect(isRequestSigned(request, one, key.publicKey)).toBe(true)
        expect(isRequestSigned(request, one, other.publicKey)).toBe(false)
      }
    }
  })
})

describe('checking', () => {
  const signed = {
    origin: 'a.example',
    destination: 'b.example',
    keyId: 'ed25519:1',
    signature: PUT_SIGNATURE,
  }

  test.each<[name: string, change: Partial<SignedRequest>]>([
    ['another method', { method: 'POST' }],
    ['another path', { uri: '/_matrix/federation/v1/send/2?a=%20' }],
    ['another query', { uri: '/_matrix/federation/v1/send/1?a=%20&b' }],
    ['the same path written otherwise', { uri: '/_matrix/federation/v1/send/1?a=+' }],
    ['another destination', { destination: 'c.example' }],
    ['another body', { content: '{"a":false}' }],
    ['no body', { content: undefined }],
    ['a body that adds to the request', { content: '{},"origin":"a.example"' }],
  ])('refuses %s', (_name, change) => {
    expect(isRequestSigned(PUT, signed, key.publicKey)).toBe(true)
    expect(isRequestSigned({ ...PUT, ...change }, signed, key.publicKey)).toBe(false)
  })

  test('refuses another origin', () => {
    expect(isRequestSigned(PUT, { ...signed, origin: 'c.example' }, key.publicKey)).toBe(false)
  })

  test('refuses a header for another server, even if the request is signed for this one', () => {
    expect(isRequestSigned(PUT, { ...signed, destination: 'c.example' }, key.publicKey)).toBe(false)
  })

  test('accepts a header without a destination, as older servers send it', () => {
    const { destination: _, ...older } = signed
    expect(isRequestSigned(PUT, older, key.publicKey)).toBe(true)
    expect(isRequestSigned({ ...PUT, destination: 'c.example' }, older, key.publicKey)).toBe(false)
  })

  test.each(['', 'x', '====', '\u{1f600}', `${PUT_SIGNATURE}AA`, PUT_SIGNATURE.slice(2), 'A'.repeat(86)])(
    'refuses the signature %j',
    (signature) => {
      expect(isRequestSigned(PUT, { ...signed, signature }, key.publicKey)).toBe(false)
    },
  )

  test.each(['', 'x', 'AAAA', `${key.publicKey}AAAA`])('finds nothing valid by the key %j', (publicKey) => {
    expect(isRequestSigned(PUT, signed, publicKey)).toBe(false)
  })
})

const READ = { origin: 'a.example:8448', destination: 'b.example', keyId: 'ed25519:k', signature: 'a+/b' }

describe('reading', () => {
  test.each([
    ['quoted', 'X-Matrix origin="a.example:8448",destination="b.example",key="ed25519:k",sig="a+/b"'],
    ['without quotes', 'X-Matrix origin=a.example:8448,destination=b.example,key=ed25519:k,sig=a+/b'],
    ['in another order', 'X-Matrix sig="a+/b",key="ed25519:k",destination=b.example,origin="a.example:8448"'],
    ['in capitals', 'x-mAtRiX ORIGIN="a.example:8448",Destination=b.example,KEY="ed25519:k",Sig="a+/b"'],
    [
      'with spaces and tabs around commas and equals signs',
      '  X-Matrix \t origin = "a.example:8448" \t,\tdestination= "b.example" , key ="ed25519:k", sig="a+/b"  ',
    ],
    [
      'with backslashes',
      'X-Matrix origin="a\\.example:8448",destination="\\b.example",key="ed25519\\:k",sig="a+\\/b"',
    ],
    [
      'with empty elements',
      'X-Matrix origin="a.example:8448",,destination="b.example", , key="ed25519:k",sig="a+/b",',
    ],
    [
      'with parameters that are not known',
      'X-Matrix a=1,origin="a.example:8448",destination="b.example",x-matrix="X-Matrix origin=\\"c\\",",' +
        'key="ed25519:k",__proto__="x",sig="a+/b",constructor=y',
    ],
  ])('reads a header %s', (_name, header) => {
    expect(parseXMatrix(header)).toEqual([READ])
  })

  test('leaves out a destination that is not there', () => {
    const { destination: _, ...rest } = READ
    expect(parseXMatrix('X-Matrix origin=a.example:8448,key=ed25519:k,sig="a+/b"')).toEqual([rest])
  })

  test('reads the headers of several keys', () => {
    const one = 'X-Matrix origin="a",destination="b",key="ed25519:1",sig="x"'
    const two = 'X-Matrix origin="a",destination="b",key="ed25519:2",sig="y"'
    const found = parseXMatrix(`${one}, ${two}`)
    expect(found.map(({ keyId, signature }) => [keyId, signature])).toEqual([
      ['ed25519:1', 'x'],
      ['ed25519:2', 'y'],
    ])
  })

  test('passes over signatures by other algorithms', () => {
    const known = 'X-Matrix origin="a",key="ed25519:1",sig="x"'
    const unknown = 'X-Matrix origin="a",key="later:1",sig="y"'
    expect(parseXMatrix(`${unknown},${known}`)).toEqual([{ origin: 'a', keyId: 'ed25519:1', signature: 'x' }])
    expect(() => parseXMatrix(unknown)).toThrow('key must be the id of an ed25519 key')
  })
})

const COMPLETE = 'origin="a",destination="b",key="ed25519:1",sig="x"'

describe('refusing', () => {
  test.each([
    ['no scheme', COMPLETE, 'its scheme must be X-Matrix'],
    ['nothing', '', 'its scheme must be X-Matrix'],
    ['another scheme', `Bearer ${COMPLETE}`, 'its scheme must be X-Matrix'],
    ['a longer scheme', `X-Matrix2 ${COMPLETE}`, 'its scheme must be X-Matrix'],
    ['a scheme alone', 'X-Matrix', 'its scheme must be X-Matrix'],
    ['no origin', 'X-Matrix destination="b",key="ed25519:1",sig="x"', 'origin is missing'],
    ['no key', 'X-Matrix origin="a",destination="b",sig="x"', 'key is missing'],
    ['no sig', 'X-Matrix origin="a",destination="b",key="ed25519:1"', 'sig is missing'],
    ['a parameter twice', `X-Matrix ${COMPLETE},origin="c"`, 'origin stands in it twice'],
    ['a parameter twice, by case', `X-Matrix ${COMPLETE},SIG="y"`, 'sig stands in it twice'],
    ['an unknown parameter twice', `X-Matrix ${COMPLETE},a=1,a=1`, 'a stands in it twice'],
    ['no comma', 'X-Matrix origin="a" key="ed25519:1",sig="x"', 'key is missing'],
    ['text after it', `X-Matrix ${COMPLETE} and more`, 'no list of name="value"'],
    ['a parameter without a value', `X-Matrix ${COMPLETE},a`, 'no list of name="value"'],
    ['an open quotation', `X-Matrix ${COMPLETE},a="b`, 'no list of name="value"'],
    ['an open quotation with a backslash', `X-Matrix ${COMPLETE},a="b\\"`, 'no list of name="value"'],
    ['an empty origin', `X-Matrix ${COMPLETE.replace('"a"', '""')}`, 'origin must be a server name'],
    ['a path as origin', `X-Matrix ${COMPLETE.replace('"a"', '"a/../b"')}`, 'origin must be a server name'],
    ['a space in origin', `X-Matrix ${COMPLETE.replace('"a"', '"a b"')}`, 'origin must be a server name'],
    [
      'a bad destination',
      `X-Matrix ${COMPLETE.replace('"b"', '"b:x"')}`,
      'destination must be a server name',
    ],
    ['a key without algorithm', `X-Matrix ${COMPLETE.replace('ed25519:', '')}`, 'key must be the id'],
    ['a key with a slash', `X-Matrix ${COMPLETE.replace(':1', ':../1')}`, 'key must be the id'],
    [
      'a key id of 256 characters',
      `X-Matrix ${COMPLETE.replace(':1', `:${'1'.repeat(256)}`)}`,
      'key must be',
    ],
    ['another scheme behind', `X-Matrix ${COMPLETE}, Bearer abc`, 'no list of name="value"'],
    [
      'two origins',
      `X-Matrix ${COMPLETE}, X-Matrix ${COMPLETE.replace('"a"', '"c"')}`,
      'its signatures are of different servers',
    ],
    [
      'two destinations',
      `X-Matrix ${COMPLETE}, X-Matrix ${COMPLETE.replace('destination="b",', '')}`,
      'its signatures are of different servers',
    ],
    ['six signatures', Array(6).fill(`X-Matrix ${COMPLETE}`).join(','), 'it has too many signatures'],
  ])('a header with %s', (_name, header, reason) => {
    expect(() => parseXMatrix(header)).toThrow(reason)
    expect(() => parseXMatrix(header)).toThrow(expect.objectContaining({ errcode: 'M_UNAUTHORIZED' }))
  })

  test('a header that is too long, and not one that just fits', () => {
    const start = `X-Matrix ${COMPLETE},a="`
    const ofLength = (length: number) => `${start}${'c'.repeat(length - start.length - 1)}"`
    expect(parseXMatrix(ofLength(8_192))).toHaveLength(1)
    expect(() => parseXMatrix(ofLength(8_193))).toThrow('it is too long')
    expect(() => parseXMatrix(' '.repeat(1_000_000))).toThrow('it is too long')
  })

  test('a header made to be read for long', () => {
    expect(() => parseXMatrix(`X-Matrix ${COMPLETE},a="${'\\"'.repeat(4_000)}`)).toThrow('no list of name')
    expect(() => parseXMatrix(`X-Matrix ${','.repeat(8_000)}`)).toThrow('origin is missing')
    expect(() => parseXMatrix(`X-Matrix ${'a=1 '.repeat(2_000)}`)).toThrow('origin is missing')
  })
})
