/** JSON signing, with the specification's cryptographic test vectors. */
import { expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { signingKey, signJson, verifyJson } from '../../../../src/protocol/events/signing.ts'

const SEED = 'YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1'
const key = signingKey('ed25519:1', SEED)
const other = signingKey('ed25519:2', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')

/** Appendices §Cryptographic Test Vectors, JSON Signing. */
const VECTORS: [value: JsonObject, signature: string][] = [
  [{}, 'K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ'],
  [
    { one: 1, two: 'Two' },
    'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw',
  ],
]

test.each(VECTORS)('signs %j as the specification does', (value, signature) => {
  const signed = signJson(value, 'domain', key)
  expect(signed).toEqual({ ...value, signatures: { domain: { 'ed25519:1': signature } } })
  expect(verifyJson(signed, 'domain', 'ed25519:1', key.publicKey)).toBe(true)
})

test('derives the public key of the specification seed', () => {
  expect(key.publicKey).toBe('XGX0JRS2Af3be3knz2fBiRbApjm2Dh61gXDJA8kcJNI')
})

test('keeps signatures of other servers and other keys', () => {
  const twice = signJson(signJson(signJson({ a: 1 }, 'one', key), 'one', other), 'two', key)
  expect(verifyJson(twice, 'one', 'ed25519:1', key.publicKey)).toBe(true)
  expect(verifyJson(twice, 'one', 'ed25519:2', other.publicKey)).toBe(true)
  expect(verifyJson(twice, 'two', 'ed25519:1', key.publicKey)).toBe(true)
})

test('leaves the object it signs as it was', () => {
  const value = { a: 1, signatures: { x: { 'ed25519:a': 'b' } } }
  signJson(value, 'domain', key)
  expect(value).toEqual({ a: 1, signatures: { x: { 'ed25519:a': 'b' } } })
})

test('keeps unsigned, and does not cover it', () => {
  const signed = signJson({ a: 1, unsigned: { age: 1 } }, 'domain', key)
  expect(signed.unsigned).toEqual({ age: 1 })
  expect(verifyJson({ ...signed, unsigned: { age: 2 } }, 'domain', 'ed25519:1', key.publicKey)).toBe(true)
})

test('accepts a padded signature and a padded public key', () => {
  const signature = key.sign('{"a":1}')
  const signed = { a: 1, signatures: { domain: { 'ed25519:1': `${signature}==` } } }
  expect(verifyJson(signed, 'domain', 'ed25519:1', `${key.publicKey}=`)).toBe(true)
})

const signed = signJson({ a: 1, text: 'hello' }, 'domain', key)
const REFUSED: [name: string, value: JsonObject, server: string, keyId: string, publicKey: string][] = [
  ['a changed value', { ...signed, a: 2 }, 'domain', 'ed25519:1', key.publicKey],
  ['an added key', { ...signed, b: 2 }, 'domain', 'ed25519:1', key.publicKey],
  ['another server', signed, 'elsewhere', 'ed25519:1', key.publicKey],
  ['another key id', signed, 'domain', 'ed25519:2', key.publicKey],
  ['another public key', signed, 'domain', 'ed25519:1', other.publicKey],
  ['a public key of 31 bytes', signed, 'domain', 'ed25519:1', key.publicKey.slice(0, 41)],
  ['a public key that is not base64', signed, 'domain', 'ed25519:1', '*'],
  ['no signatures', { a: 1 }, 'domain', 'ed25519:1', key.publicKey],
  ['signatures that are no object', { a: 1, signatures: 'x' }, 'domain', 'ed25519:1', key.publicKey],
  ['a server called as a member of every object', signed, 'constructor', 'name', key.publicKey],
  [
    'a signature that is not base64',
    { a: 1, signatures: { domain: { 'ed25519:1': '!' } } },
    'domain',
    'ed25519:1',
    key.publicKey,
  ],
  [
    'a signature of 63 bytes',
    { a: 1, signatures: { domain: { 'ed25519:1': 'A'.repeat(84) } } },
    'domain',
    'ed25519:1',
    key.publicKey,
  ],
  ['a value without canonical JSON', { ...signed, a: 1.5 }, 'domain', 'ed25519:1', key.publicKey],
]

test.each(REFUSED)('does not verify %s', (_name, value, server, keyId, publicKey) => {
  expect(verifyJson(value, server, keyId, publicKey)).toBe(false)
})

test('refuses a seed that is not 32 bytes, without repeating it', () => {
  const short = SEED.slice(0, 40)
  expect(() => signingKey('ed25519:1', short)).toThrow(/^The seed of ed25519:1 is not 32 bytes$/)
})

test.each(['1', 'rsa:1', 'ed25519:', 'ed25519:a-b'])('refuses the key id %j', (id) => {
  expect(() => signingKey(id, SEED)).toThrow('key id')
})
