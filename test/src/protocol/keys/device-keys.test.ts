/** Keys of devices: whose they are, and who has signed them. */
import { describe, expect, it } from 'vitest'
import { checkDeviceKeys, checkUploadedKeys, sameSigned } from '../../../../src/protocol/keys/device-keys.ts'
import { makeDevice, makeKey, signed } from '../../../support/keys.ts'

const USER = '@alice:test.example'
const device = makeDevice({ userId: USER, deviceId: 'A/1+x' })

describe('identity keys', () => {
  it('are kept as they are, except for what is unsigned', () => {
    const more = signed(device.keys, '@eve:test.example', 'E', makeKey())
    expect(checkDeviceKeys({ ...more, unsigned: { x: 1 } }, USER, 'A/1+x')).toEqual(more)
  })

  it.each([
    ['without a signing key', { keys: {} }],
    ['changed after they were signed', { algorithms: ['m.other'] }],
    ['without a signature', { signatures: {} }],
    ['with further fields', { 'org.example.field': { x: [1] } }],
  ])('%s are kept as they are', (_, change) => {
    const keys = { ...device.keys, ...change }
    expect(checkDeviceKeys(keys, USER, 'A/1+x')).toEqual(keys)
  })

  it('without signatures are kept as they are', () => {
    const { signatures: _, ...keys } = device.keys
    expect(checkDeviceKeys(keys, USER, 'A/1+x')).toEqual(keys)
  })

  it.each([
    ['of another user', { user_id: '@bob:test.example' }, 'M_INVALID_PARAM'],
    ['of another device', { device_id: 'B' }, 'M_INVALID_PARAM'],
    ['without any keys', { keys: null }, 'M_BAD_JSON'],
    ['with keys that are no strings', { keys: { 'ed25519:A': 1 } }, 'M_BAD_JSON'],
    ['without algorithms', { algorithms: null }, 'M_BAD_JSON'],
    ['with algorithms that are no strings', { algorithms: [1] }, 'M_BAD_JSON'],
    ['with signatures that are none', { signatures: null }, 'M_BAD_JSON'],
    ['with signatures of nobody', { signatures: { [USER]: 'x' } }, 'M_BAD_JSON'],
    ['that are too long', { algorithms: ['x'.repeat(70_000)] }, 'M_TOO_LARGE'],
  ])('%s are refused', (_, change, errcode) => {
    expect(() => checkDeviceKeys({ ...device.keys, ...change }, USER, 'A/1+x')).toThrow(
      expect.objectContaining({ errcode }),
    )
  })

  it('are the same whatever signatures they carry', () => {
    expect(sameSigned(device.keys, signed(device.keys, USER, 'other', makeKey()))).toBe(true)
    expect(sameSigned(device.keys, { ...device.keys, algorithms: [] })).toBe(false)
  })
})

describe('one-time keys', () => {
  const check = checkUploadedKeys

  it('are named by algorithm and id', () => {
    expect(check(device.oneTimeKeys(1))).toMatchObject([{ algorithm: 'signed_curve25519', keyId: 'K0' }])
    expect(check({ 'curve25519:X': 'base64' })).toEqual([
      { algorithm: 'curve25519', keyId: 'X', key: '"base64"' },
    ])
  })

  it('are kept with any signatures, or with none', () => {
    expect(check({ 'signed_curve25519:X': { key: 'x' } })).toMatchObject([{ key: '{"key":"x"}' }])
    expect(check({ 'signed_curve25519:X': 'x' })).toMatchObject([{ key: '"x"' }])
  })

  it.each([
    ['without an id', { signed_curve25519: { key: 'x' } }, 'M_INVALID_PARAM'],
    ['that are no keys', { 'curve25519:X': 3 }, 'M_BAD_JSON'],
    ['that have no key', { 'signed_curve25519:X': { signatures: {} } }, 'M_BAD_JSON'],
    ['that are too long', { 'curve25519:X': 'x'.repeat(5_000) }, 'M_TOO_LARGE'],
  ])('%s are refused', (_, keys, errcode) => {
    expect(() => check(keys)).toThrow(expect.objectContaining({ errcode }))
  })
})
