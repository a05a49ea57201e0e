/** The identifier grammars, accepted and refused. */
import { expect, test } from 'vitest'
import {
  fitsBytes,
  isEventId,
  isNewLocalpart,
  isNewUserId,
  isRoomAlias,
  isRoomId,
  isServerName,
  isUserId,
  localpartOf,
  serverNameOf,
} from '../../../src/protocol/identifiers.ts'

const HASH = 'Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ'

test.each([
  // Appendices §Server Name, the examples.
  'matrix.org',
  'matrix.org:8888',
  '1.2.3.4',
  '1.2.3.4:1234',
  '[1234:5678::abcd]',
  '[1234:5678::abcd]:5678',
  'localhost',
  'MATRIX.ORG',
  '[::ffff:1.2.3.4]:1',
])('accepts the server name %s', (name) => {
  expect(isServerName(name)).toBe(true)
})

test.each([
  '',
  ':8448',
  'matrix.org:',
  'matrix.org:123456',
  'matrix.org:80a',
  'under_score.org',
  'exämple.org',
  'a b',
  'a/b',
  '1.2.3.256',
  '[1234::5678::abcd]',
  '[zz]',
  '1234:5678::abcd',
  '[::1]x',
  'matrix.org\n',
])('refuses the server name %j', (name) => {
  expect(isServerName(name)).toBe(false)
})

test.each([
  '@alice:example.org',
  '@a:[::1]:8448',
  '@Alice:example.org',
  '@a b!\u0001ü\u{1F600}:example.org',
  '@:example.org',
])('accepts the user id %j', (id) => {
  expect(isUserId(id)).toBe(true)
})

test.each([
  '',
  '@',
  'alice:example.org',
  '@alice',
  '@alice:',
  '@al:ice:example.org',
  '@al\0ice:example.org',
  '@al\uD83Dice:example.org',
  '@alice:exa mple.org',
])('refuses the user id %j', (id) => {
  expect(isUserId(id)).toBe(false)
})

test.each(['alice', 'a.b_c=d-e/f+g', '0'])('accepts the localpart %s for a new user', (localpart) => {
  expect(isNewLocalpart(localpart)).toBe(true)
})

test.each(['', 'Alice', 'al ice', 'al:ice', 'älice', 'alice\n', '@alice', 'a*'])(
  'refuses the localpart %j for a new user',
  (localpart) => {
    expect(isNewLocalpart(localpart)).toBe(false)
    expect(isNewUserId(localpart, 'example.org')).toBe(false)
  },
)

test('limits the whole id of a new user to 255 bytes', () => {
  expect(isNewUserId('a'.repeat(242), 'example.org')).toBe(true)
  expect(isNewUserId('a'.repeat(243), 'example.org')).toBe(false)
})

test.each([`!${HASH}`, '!abc:example.org', '!ä b:example.org:8448'])('accepts the room id %s', (id) => {
  expect(isRoomId(id)).toBe(true)
})

test.each([
  '!',
  '!abc',
  '!:example.org',
  `$${HASH}`,
  `!${HASH.slice(1)}`,
  `!${HASH}A`,
  `!${HASH.replaceAll('-', '+')}`,
  '!a\0b:example.org',
])('refuses the room id %j', (id) => {
  expect(isRoomId(id)).toBe(false)
})

test.each(['#room:example.org', '#räum !?#:example.org:1'])('accepts the alias %s', (alias) => {
  expect(isRoomAlias(alias)).toBe(true)
})

test.each(['#room', '#:example.org', 'room:example.org', '#ro\0om:example.org'])(
  'refuses the alias %j',
  (alias) => {
    expect(isRoomAlias(alias)).toBe(false)
  },
)

test.each([`$${HASH}`, `$${HASH.replaceAll('-', '+')}`, '$143273582443PhrSn:example.org'])(
  'accepts the event id %s',
  (id) => {
    expect(isEventId(id)).toBe(true)
  },
)

test.each(['$', 'abc', `!${HASH}`, `$${'a'.repeat(255)}`, '$a\0b'])('refuses the event id %j', (id) => {
  expect(isEventId(id)).toBe(false)
})

test('splits an id at its first colon', () => {
  expect(localpartOf('@alice:[::1]:8448')).toBe('alice')
  expect(serverNameOf('@alice:[::1]:8448')).toBe('[::1]:8448')
})

test('finds no server name in an id without one', () => {
  expect(serverNameOf(`!${HASH}`)).toBe('')
  expect(localpartOf(`!${HASH}`)).toBe(HASH)
})

test('counts bytes of UTF-8, not characters', () => {
  expect(fitsBytes('a'.repeat(255), 255)).toBe(true)
  expect(fitsBytes('a'.repeat(256), 255)).toBe(false)
  expect(fitsBytes('ü'.repeat(127), 255)).toBe(true)
  expect(fitsBytes('ü'.repeat(128), 255)).toBe(false)
  expect(fitsBytes('\u{1F600}'.repeat(64), 255)).toBe(false)
})

test.each([
  ['user ids', '@', isUserId],
  ['room ids', '!', isRoomId],
  ['aliases', '#', isRoomAlias],
  ['event ids', '$', isEventId],
] as const)('limits %s to 255 bytes', (_name, sigil, accepts) => {
  expect(accepts(`${sigil}${'a'.repeat(242)}:example.org`)).toBe(true)
  expect(accepts(`${sigil}${'a'.repeat(243)}:example.org`)).toBe(false)
  expect(accepts(`${sigil}${'ü'.repeat(121)}:example.org`)).toBe(true)
  expect(accepts(`${sigil}${'ü'.repeat(122)}:example.org`)).toBe(false)
})

test('limits the host of a server name to 255 characters', () => {
  expect(isServerName('a'.repeat(255))).toBe(true)
  expect(isServerName('a'.repeat(256))).toBe(false)
})
