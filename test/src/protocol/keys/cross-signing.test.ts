/** Cross-signing keys: their form, what is new in an upload, and which signatures are good. */
import { describe, expect, it } from 'vitest'
import {
  checkCrossSigningKey,
  goodSignatures,
  holdsNothingNew,
  isSignedBy,
} from '../../../../src/protocol/keys/cross-signing.ts'
import { makeCrossSigning, makeKey, signed } from '../../../support/keys.ts'

const USER = '@alice:test.example'
const { body, master, selfSigning } = makeCrossSigning(USER)

describe('a cross-signing key', () => {
  it.each([
    ['of another user', { user_id: '@bob:test.example' }],
    ['for another usage', { usage: ['self_signing'] }],
    ['without a key', { keys: {} }],
    ['with two keys', { keys: { ...(body.master_key.keys as object), 'ed25519:x': 'x' } }],
    ['under another name', { keys: { 'ed25519:x': master.publicKey } }],
    ['that is too short', { keys: { 'ed25519:AAAA': 'AAAA' } }],
  ])('%s is refused', (_, change) => {
    expect(() => checkCrossSigningKey({ ...body.master_key, ...change }, 'master', USER)).toThrow(
      expect.objectContaining({ errcode: 'M_INVALID_PARAM' }),
    )
  })

  it('is signed by the master key, or not', () => {
    expect(isSignedBy(body.self_signing_key, body.master_key, USER)).toBe(true)
    expect(isSignedBy(body.self_signing_key, makeCrossSigning(USER).body.master_key, USER)).toBe(false)
  })

  it('is new unless it is the stored one', () => {
    const stored = { master: body.master_key }
    expect(holdsNothingNew({ master: body.master_key }, stored)).toBe(true)
    expect(holdsNothingNew({ self_signing: body.self_signing_key }, stored)).toBe(false)
    expect(holdsNothingNew({}, {})).toBe(true)
  })
})

describe('signatures', () => {
  const object = { user_id: USER, device_id: 'A' }
  const signer = (keyId: string) =>
    keyId === `ed25519:${selfSigning.publicKey}` ? selfSigning.publicKey : undefined
  const judge = (uploaded: Parameters<typeof goodSignatures>[0], stored?: typeof object) =>
    goodSignatures(uploaded, stored, USER, signer)

  it('by a key that may sign are good, and all others are left out', () => {
    const one = signed(object, USER, selfSigning.publicKey, selfSigning)
    const good = judge(signed(one, USER, 'other', makeKey()), object)
    expect(Object.keys(good)).toEqual([`ed25519:${selfSigning.publicKey}`])
  })

  it.each([
    [
      'of what is not there',
      signed(object, USER, selfSigning.publicKey, selfSigning),
      undefined,
      'M_NOT_FOUND',
    ],
    ['of something else', { ...object, x: 1 }, object, 'M_INVALID_PARAM'],
    [
      'that are forged',
      signed(object, USER, selfSigning.publicKey, makeKey()),
      object,
      'M_INVALID_SIGNATURE',
    ],
    ['by nobody', object, object, 'M_INVALID_SIGNATURE'],
  ])('%s are not', (_, uploaded, stored, errcode) => {
    expect(judge(uploaded, stored)).toMatchObject({ errcode })
  })
})
