/** The signature of a third-party invite against the keys of its offer. */
import { describe, expect, test } from 'vitest'
import { isThirdPartyInviteSigned } from '../../../../src/protocol/auth/third-party-signature.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { signingKey, signJson } from '../../../../src/protocol/events/signing.ts'

const key = signingKey('ed25519:0', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')
const other = signingKey('ed25519:0', 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')
const signed = signJson({ mxid: '@bob:b.example', token: 'abc' }, 'id.example', key) as JsonObject

describe('a third-party invite', () => {
  test('is signed by the key of its offer, alone or among others', () => {
    expect(isThirdPartyInviteSigned(signed, { public_key: key.publicKey })).toBe(true)
    const listed = [{ public_key: other.publicKey }, { public_key: key.publicKey }]
    expect(isThirdPartyInviteSigned(signed, { public_keys: listed })).toBe(true)
    expect(isThirdPartyInviteSigned(signed, { public_key: other.publicKey, public_keys: listed })).toBe(true)
  })

  test('is not signed by another key, nor after a change', () => {
    expect(isThirdPartyInviteSigned(signed, { public_key: other.publicKey })).toBe(false)
    expect(
      isThirdPartyInviteSigned({ ...signed, mxid: '@eve:e.example' }, { public_key: key.publicKey }),
    ).toBe(false)
  })

  test.each<JsonObject>([
    {},
    { public_key: 7 },
    { public_key: 'rubbish!' },
    { public_key: '' },
    { public_keys: {} },
    { public_keys: [null, 7, 'x', {}, { public_key: [] }] },
  ])('is not signed by the keys of a malformed offer: %j', (offer) => {
    expect(isThirdPartyInviteSigned(signed, offer)).toBe(false)
  })

  test.each<JsonObject>([
    { signatures: undefined },
    { signatures: 'x' },
    { signatures: { 'id.example': 'x' } },
    { signatures: { 'id.example': { 'ed25519:0': 7 } } },
    { signatures: { 'id.example': { 'ed25519:0': 'AAAA' } } },
    { signatures: { 'id.example': { 'rsa:0': 'AAAA' } } },
  ])('is not signed where its signatures are malformed: %j', (change) => {
    expect(isThirdPartyInviteSigned({ ...signed, ...change }, { public_key: key.publicKey })).toBe(false)
  })

  test('has at most ten of its signatures looked at', () => {
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`ed25519:x${index}`, 'AAAA']))
    const good = signed.signatures as JsonObject
    const signatures = { 'a.example': many, ...good }
    expect(isThirdPartyInviteSigned({ ...signed, signatures }, { public_key: key.publicKey })).toBe(false)
    expect(isThirdPartyInviteSigned({ ...signed, signatures: good }, { public_key: key.publicKey })).toBe(
      true,
    )
  })
})
