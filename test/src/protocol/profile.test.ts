/** Profiles: fields, limits, and member events. */
import { describe, expect, it } from 'vitest'
import {
  checkProfileKey,
  checkProfileSize,
  checkProfileValue,
  withProfile,
} from '../../../src/protocol/profile.ts'

const errcode = (work: () => void): string | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as { errcode: string }).errcode
  }
}

describe('names of profile fields', () => {
  it.each(['displayname', 'avatar_url', 'm.tz', 'm.example_2', 'org.example.a.b'])('may be %s', (key) => {
    expect(errcode(() => checkProfileKey(key))).toBeUndefined()
  })

  it.each(['', 'name', 'M.tz', '.a', 'a.', 'a..b', '1a.b', 'a.b c', 'ä.b', 'org.example-x'])(
    'are not %j',
    (key) => {
      expect(errcode(() => checkProfileKey(key))).toBe('M_INVALID_PARAM')
    },
  )

  it('have at most 255 bytes', () => {
    expect(errcode(() => checkProfileKey(`o.${'x'.repeat(253)}`))).toBeUndefined()
    expect(errcode(() => checkProfileKey(`o.${'x'.repeat(254)}`))).toBe('M_KEY_TOO_LARGE')
    expect(errcode(() => checkProfileKey(`o.${'ä'.repeat(127)}`))).toBe('M_KEY_TOO_LARGE')
  })
})

describe('values of profile fields', () => {
  it('of the specification’s fields are strings, of other fields anything', () => {
    for (const key of ['displayname', 'avatar_url', 'm.tz']) {
      for (const value of [1, null, {}, [], true]) {
        expect(errcode(() => checkProfileValue(key, value))).toBe('M_BAD_JSON')
        expect(errcode(() => checkProfileValue('org.example.x', value))).toBeUndefined()
      }
    }
  })

  it('stay below 64 KiB together', () => {
    const shell = Buffer.byteLength(JSON.stringify({ a: '' }))
    expect(errcode(() => checkProfileSize({ a: 'x'.repeat(65_535 - shell) }))).toBeUndefined()
    expect(errcode(() => checkProfileSize({ a: 'x'.repeat(65_536 - shell) }))).toBe('M_PROFILE_TOO_LARGE')
  })
})

describe('a member event with a new profile', () => {
  it('keeps everything but the old profile and the name of the voucher for the join', () => {
    const content = {
      membership: 'join',
      displayname: 'Old',
      avatar_url: 'mxc://a.example/b',
      reason: 'because',
      join_authorised_via_users_server: '@b:a.example',
    }
    expect(withProfile(content, { displayname: 'New', 'm.tz': 'UTC' })).toEqual({
      membership: 'join',
      displayname: 'New',
      reason: 'because',
    })
    expect(content).toHaveProperty('join_authorised_via_users_server')
  })
})
