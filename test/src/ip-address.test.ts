/** Spellings of IP addresses, and the networks they count as. */
import { describe, expect, it } from 'vitest'
import { ipAddress, networkOf } from '../../src/ip-address.ts'

describe('an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7:54321', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['[::ffff:192.0.2.7]:443', '192.0.2.7'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
  ])('%s is written %s', (text, address) => {
    expect(ipAddress(text)).toBe(address)
  })

  it.each([
    '',
    'unknown',
    '1',
    '256.1.1.1',
    '1.2.3',
    '1.2.3.4.5',
    'example.org',
    ':::',
    '[1.2.3.4]',
    '12345::',
    '192.0.2.7:x',
    'a:b',
  ])('"%s" is none', (text) => {
    expect(ipAddress(text)).toBeUndefined()
  })
})

describe('a network', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})
