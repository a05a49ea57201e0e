/** Server ACLs: the order of the rules, globs, ports, IP literals, and lists that are none. */
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { isServerAllowed } from '../../../../src/protocol/federation/server-acl.ts'

const ALL: JsonObject = { allow: ['*'] }

test('a room without an ACL is open to every server', () => {
  expect(isServerAllowed(undefined, 'a.example')).toBe(true)
  expect(isServerAllowed(undefined, '1.2.3.4')).toBe(true)
})

test.each<[acl: JsonObject, serverName: string, isAllowed: boolean]>([
  [ALL, 'a.example', true],
  [{ allow: ['a.example'] }, 'a.example', true],
  [{ allow: ['a.example'] }, 'b.example', false],
  [{ allow: ['a.example'] }, 'sub.a.example', false],
  [{ allow: ['*'], deny: ['a.example'] }, 'a.example', false],
  [{ allow: ['a.example'], deny: ['a.example'] }, 'a.example', false],
  [{ allow: ['*'], deny: ['*.evil.example'] }, 'a.evil.example', false],
  [{ allow: ['*'], deny: ['*.evil.example'] }, 'evil.example', true],
  [{ allow: ['*'], deny: ['*evil.example'] }, 'evil.example', false],
  [{ allow: ['a?.example'] }, 'a1.example', true],
  [{ allow: ['a?.example'] }, 'a.example', false],
  // A dot is no wildcard, and neither is what regular expressions have.
  [{ allow: ['a.example'] }, 'axexample', false],
  [{ allow: ['[ab].example'] }, 'a.example', false],
  [{ allow: ['(a|b).example', 'a+.example', '^a.example$'] }, 'a.example', false],
  // "Case-insensitive glob expressions"
  [{ allow: ['A.Example'] }, 'a.eXAMPLE', true],
  [{ allow: ['*'], deny: ['*.EVIL.example'] }, 'A.evil.Example', false],
])('%j: %s is allowed: %s', (acl, serverName, isAllowed) => {
  expect(isServerAllowed(acl, serverName)).toBe(isAllowed)
})

test('the port does not count', () => {
  expect(isServerAllowed({ allow: ['a.example'] }, 'a.example:8448')).toBe(true)
  expect(isServerAllowed({ allow: ['*'], deny: ['a.example'] }, 'a.example:1')).toBe(false)
  expect(isServerAllowed({ allow: ['a.example:8448'] }, 'a.example:8448')).toBe(false)
  expect(isServerAllowed({ allow: ['[2001:db8::1]'] }, '[2001:db8::1]:8448')).toBe(true)
  expect(isServerAllowed({ allow: ['[2001:db8::1]'] }, '[2001:db8::1]')).toBe(true)
  expect(isServerAllowed({ allow: ['[2001:db8:]'] }, '[2001:db8::1]')).toBe(false)
})

describe('IP literals', () => {
  test.each([
    '1.2.3.4',
    '1.2.3.4:8448',
    '[::1]',
    '[2001:DB8::1]:8448',
    '[::ffff:1.2.3.4]',
    // What a URL makes an address of, though the grammar calls it a name.
    '16909060',
    '0x1020304',
    '0X1020304:8448',
    '1.2.772',
    '1.2.3.4.',
    'a.0x',
  ])('%s is refused where they are not allowed', (serverName) => {
    expect(isServerAllowed({ allow: ['*'], allow_ip_literals: false }, serverName)).toBe(false)
    expect(isServerAllowed({ allow: ['*'], allow_ip_literals: true }, serverName)).toBe(true)
  })

  test.each(['a.example', '1.a.example', '1.2.3.4.example', '4chan', '0xy.example', 'a.x0'])(
    '%s is none',
    (serverName) => {
      expect(isServerAllowed({ allow: ['*'], allow_ip_literals: false }, serverName)).toBe(true)
    },
  )

  test.each([undefined, null, 'false', 0, [], {}])('are allowed where allow_ip_literals is %j', (value) => {
    expect(isServerAllowed({ allow: ['*'], allow_ip_literals: value }, '1.2.3.4')).toBe(true)
  })
})

describe('malformed lists', () => {
  test.each<[name: string, acl: JsonObject]>([
    ['no lists', {}],
    ['an empty allow', { allow: [] }],
    ['allow that is text', { allow: '*' }],
    ['allow that is an object', { allow: { 0: '*', length: 1 } }],
    ['allow of no texts', { allow: [1, null, true, ['*'], { glob: '*' }] }],
  ])('%s: no server is allowed', (_name, acl) => {
    expect(isServerAllowed(acl, 'a.example')).toBe(false)
  })

  test.each<[name: string, deny: JsonObject['deny']]>([
    ['text', '*'],
    ['null', null],
    ['an object', { 0: '*' }],
    ['a list of no texts', [1, null, ['*'], { glob: '*' }]],
  ])('deny that is %s denies no server', (_name, deny) => {
    expect(isServerAllowed({ allow: ['*'], deny }, 'a.example')).toBe(true)
  })

  test('entries that are no text do not hide those after them', () => {
    expect(isServerAllowed({ allow: [null, 'a.example'] }, 'a.example')).toBe(true)
    expect(isServerAllowed({ allow: ['*'], deny: [1, 'a.example'] }, 'a.example')).toBe(false)
  })
})

test.each(['', ':8448', 'a.example:', 'a.example:1:2', 'a_b', 'a.example/', 'a.example\n', 'b\0', '[::1'])(
  'a name that no server can have is refused: %j',
  (serverName) => {
    expect(isServerAllowed(ALL, serverName)).toBe(false)
  },
)

describe('long lists', () => {
  /** About as many as an event of 64 KB can hold. */
  const denied = Array.from({ length: 4_000 }, (_, index) => `*.${index}.evil`)

  test('are read to their end', () => {
    const acl = { allow: ['*'], deny: [...denied, '*.last.example'] }
    expect(isServerAllowed(acl, 'a-rather-long-name-of-a-server.matrix.good.example')).toBe(true)
    expect(isServerAllowed(acl, 'a-rather-long-name-of-a-server.matrix.last.example')).toBe(false)
    expect(isServerAllowed({ allow: [...denied, 'a.example'] }, 'a.example')).toBe(true)
  })

  test('that cost too much let no server in', () => {
    const host = 'a'.repeat(250)
    const costly = Array.from({ length: 600 }, () => `*${'a'.repeat(100)}b`)
    expect(isServerAllowed({ allow: ['*'], deny: costly }, host)).toBe(false)
    expect(isServerAllowed({ allow: [host], deny: costly }, host)).toBe(false)
    expect(isServerAllowed({ allow: [...costly, '*'] }, host)).toBe(false)
    expect(isServerAllowed({ allow: ['*'], deny: costly }, 'a.example')).toBe(true)
  })
})
