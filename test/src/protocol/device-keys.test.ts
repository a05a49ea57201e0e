/** Keys of devices: whose they are, and who has signed them. */
import { describe, expect, it } from 'vitest'
import { checkDeviceKeys, checkUploadedKeys, sameSigned } from '../../../src/protocol/device-keys.ts'
import { makeDevice, makeKey, signed } from '../../support/keys.ts'

const USER = '@alice:test.example'
const device = makeDevice({ userId: USER, deviceId: 'A/1+x' })

describe('identity keys', () => {
  it('keep the signature of their device alone, and nothing unsigned', () => {
    const more = signed({ ...device.keys, unsigned: { x: 1 } }, '@eve:test.example', 'E', makeKey())
    expect(checkDeviceKeys(more, USER, 'A/1+x')).toEqual(device.keys)
  })

  it.each([
    ['of another user', { user_id: '@bob:test.example' }, 'M_INVALID_PARAM'],
    ['of another device', { device_id: 'B' }, 'M_INVALID_PARAM'],
    ['without a signing key', { keys: {} }, 'M_INVALID_PARAM'],
    ['without any keys', { keys: null }, 'M_BAD_JSON'],
    ['without algorithms', { algorithms: null }, 'M_BAD_JSON'],
    ['without signatures', { signatures: null }, 'M_BAD_JSON'],
    ['changed after they were signed', { algorithms: [] }, 'M_INVALID_SIGNATURE'],
    ['without a signature', { signatures: {} }, 'M_INVALID_SIGNATURE'],
  ])('%s are refused', (_, change, errcode) => {
    expect(() => checkDeviceKeys({ ...device.keys, ...change }, USER, 'A/1+x')).toThrow(
      expect.objectContaining({ errcode }),
    )
  })

  it('are the same whoever has signed them', () => {
    expect(sameSigned(device.keys, signed(device.keys, USER, 'other', makeKey()))).toBe(true)
    expect(sameSigned(device.keys, { ...device.keys, algorithms: [] })).toBe(false)
  })
})

describe('one-time keys', () => {
  const check = (keys: Parameters<typeof checkUploadedKeys>[0]) =>
    checkUploadedKeys(keys, USER, 'A/1+x', device.keys)

  it('are named by algorithm and id', () => {
    expect(check(device.oneTimeKeys(1))).toMatchObject([{ algorithm: 'signed_curve25519', keyId: 'K0' }])
    expect(check({ 'curve25519:X': 'base64' })).toEqual([
      { algorithm: 'curve25519', keyId: 'X', key: '"base64"' },
    ])
  })

  it.each([
    ['without an id', { signed_curve25519: { key: 'x' } }, 'M_INVALID_PARAM'],
    ['that are no keys', { 'curve25519:X': 3 }, 'M_BAD_JSON'],
    ['that are not signed', { 'signed_curve25519:X': { key: 'x' } }, 'M_INVALID_SIGNATURE'],
    ['that are too long', { 'curve25519:X': 'x'.repeat(5_000) }, 'M_TOO_LARGE'],
  ])('%s are refused', (_, keys, errcode) => {
    expect(() => check(keys)).toThrow(expect.objectContaining({ errcode }))
  })
})
