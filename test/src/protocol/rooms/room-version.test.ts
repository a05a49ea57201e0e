/** What room versions 3 to 9 do otherwise than those after them: each rule on both sides of the version that changed it. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { powerLevels } from '../../../../src/protocol/auth/power-levels.ts'
import {
  canonicalJson,
  type JsonObject,
  writesFloats,
} from '../../../../src/protocol/events/canonical-json.ts'
import { buildEvent } from '../../../../src/protocol/events/event-builder.ts'
import { eventIdOf, referenceJson } from '../../../../src/protocol/events/event-hash.ts'
import { redact } from '../../../../src/protocol/events/redaction.ts'
import { signingKey } from '../../../../src/protocol/events/signing.ts'
import { SUPPORTED_ROOM_VERSIONS } from '../../../../src/protocol/rooms/room-version.ts'
import { ALICE, BOB, CREATOR, pdu, rulesOf, testRoom } from '../../../support/auth-room.ts'

const key = signingKey('ed25519:1', 'YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1')

/** Every version, and whether it is at least the given one. */
const since = (first: number) =>
  SUPPORTED_ROOM_VERSIONS.map((version) => [version, Number(version) >= first] as const)

it('knows versions 3 to 12', () => {
  expect(SUPPORTED_ROOM_VERSIONS).toEqual(['3', '4', '5', '6', '7', '8', '9', '10', '11', '12'])
})

it.each(since(5))('keys count for events of their time alone in version %s: %s', (version, enforces) => {
  expect(rulesOf(version).enforcesKeyValidity).toBe(enforces)
})

describe('event ids', () => {
  it.each(since(4))('of version %s are in the URL-safe alphabet: %s', (version, urlSafe) => {
    const rules = rulesOf(version)
    // Of 64 hashes nearly every one has a letter on which the alphabets differ.
    const ids = Array.from({ length: 64 }, (_, depth) => {
      const event = pdu({ room_id: '!r:domain', depth })
      const hash = createHash('sha256').update(referenceJson(event, rules)).digest()
      const expected = hash.toString(urlSafe ? 'base64url' : 'base64').replace(/=+$/, '')
      expect(eventIdOf(event, rules)).toBe(`$${expected}`)
      return expected
    }).join('')
    expect(/[-_]/.test(ids)).toBe(urlSafe)
    expect(/[+/]/.test(ids)).toBe(!urlSafe)
  })
})

describe('redaction', () => {
  const contentOf = (version: string, type: string, content: JsonObject) =>
    redact(pdu({ room_id: '!r:domain', type, state_key: '', content }), rulesOf(version)).content

  it.each(since(6))('in version %s empties m.room.aliases: %s', (version, empties) => {
    const content = { aliases: ['#a:domain'] }
    expect(contentOf(version, 'm.room.aliases', { ...content, x: 1 })).toEqual(empties ? {} : content)
  })

  it.each(since(8))('in version %s keeps the rooms that a restricted rule allows: %s', (version, keeps) => {
    const content = { join_rule: 'restricted', allow: [] }
    const { join_rule } = content
    expect(contentOf(version, 'm.room.join_rules', content)).toEqual(keeps ? content : { join_rule })
  })

  it.each(since(9))('in version %s keeps the user that vouched for a join: %s', (version, keeps) => {
    const content = { membership: 'join', join_authorised_via_users_server: ALICE }
    const { membership } = content
    expect(contentOf(version, 'm.room.member', content)).toEqual(keeps ? content : { membership })
  })

  it.each(since(11))('in version %s keeps the whole create event: %s', (version, keeps) => {
    const content = { creator: CREATOR, room_version: version }
    expect(contentOf(version, 'm.room.create', content)).toEqual(keeps ? content : { creator: CREATOR })
  })
})

describe('authorisation', () => {
  it.each(since(6))('in version %s m.room.aliases are state like any other: %s', (version, ordinary) => {
    const room = testRoom({ version, members: { [ALICE]: 'leave' } })
    const aliases = { type: 'm.room.aliases', sender: ALICE, content: { aliases: [] } }
    const own = room.verdict({ ...aliases, state_key: 'home.example' })
    expect(own).toBe(ordinary ? 'the sender is not in the room' : 'allowed')
    expect(room.verdict({ ...aliases, state_key: 'away.example' })).not.toBe('allowed')
    expect(room.verdict({ ...aliases, state_key: undefined })).not.toBe('allowed')
    const byMember = room.verdict({ ...aliases, sender: CREATOR, state_key: 'anything' })
    expect(byMember).toBe(ordinary ? 'allowed' : "the state_key must be the sender's server")
  })

  const membership = (membership: string, content = {}) => ({
    type: 'm.room.member',
    sender: ALICE,
    state_key: ALICE,
    content: { membership, ...content },
  })

  it.each(since(7))('in version %s users may knock: %s', (version, may) => {
    const room = testRoom({ version, joinRule: 'knock' })
    expect(room.verdict(membership('knock')) === 'allowed').toBe(may)
    // Nor does a rule that is unknown let anybody in.
    expect(testRoom({ version, joinRule: 'knock' }).verdict(membership('join'))).not.toBe('allowed')
  })

  it.each(since(8))('in version %s a member vouches for a join: %s', (version, may) => {
    const room = testRoom({ version, joinRule: 'restricted' })
    const join = membership('join', { join_authorised_via_users_server: CREATOR })
    expect(room.verdict(join) === 'allowed').toBe(may)
    expect(room.verdict(membership('join'))).not.toBe('allowed')
  })

  it.each(since(8))('in version %s the voucher must be a user: %s', (version, must) => {
    const room = testRoom({ version, joinRule: 'public' })
    const join = membership('join', { join_authorised_via_users_server: 5 })
    expect(room.verdict(join) === 'allowed').toBe(!must)
  })

  it.each(since(10))(
    'in version %s one rule allows both restricted joins and knocks: %s',
    (version, both) => {
      const room = testRoom({ version, joinRule: 'knock_restricted' })
      const join = membership('join', { join_authorised_via_users_server: CREATOR })
      expect(room.verdict(membership('knock')) === 'allowed').toBe(both)
      expect(room.verdict(join) === 'allowed').toBe(both)
    },
  )
})

describe('power levels', () => {
  const users = (version: string, all: JsonObject) => {
    const { [CREATOR]: _, ...others } = all
    return rulesOf(version).privilegedCreators ? others : all
  }
  const set = (content: JsonObject, sender = CREATOR) => ({
    type: 'm.room.power_levels',
    state_key: '',
    sender,
    content,
  })

  it.each(since(6))('in version %s changes of notifications are checked: %s', (version, checked) => {
    const levels = {
      users: users(version, { [CREATOR]: 100, [BOB]: 50 }),
      events: { 'm.room.power_levels': 50 },
    }
    const room = testRoom({ version, powerLevels: levels, members: { [BOB]: 'join' } })
    const verdict = room.verdict(set({ ...levels, notifications: { room: 90 } }, BOB))
    expect(verdict === 'allowed').toBe(!checked)
  })

  it.each(since(10))('in version %s texts are refused: %s', (version, refused) => {
    const room = testRoom({ version })
    const verdict = room.verdict(set({ users: users(version, { [CREATOR]: 100, [BOB]: ' +050 ' }) }))
    expect(verdict === 'allowed').toBe(!refused)
    expect(room.verdict(set({ users: users(version, { [BOB]: '5.0' }) }))).not.toBe('allowed')
    expect(room.verdict(set({ users: users(version, { [BOB]: [] }) }))).not.toBe('allowed')
    expect(room.verdict(set({ ban: 'much' })) === 'allowed').toBe(!refused)
  })

  it.each([
    [' +050 ', 50, 7],
    ['-5', -5, 7],
    ['100', 100, 7],
    ['1e2', 7, 7],
    ['', 7, 7],
  ])('reads %j as %i before version 10, and as absent since', (text, before, after) => {
    for (const version of SUPPORTED_ROOM_VERSIONS) {
      const { rules, state } = testRoom({
        version,
        powerLevels: { users_default: 7, users: { [BOB]: text } },
      })
      expect(powerLevels(rules, state).user(BOB)).toBe(Number(version) < 10 ? before : after)
    }
  })

  it.each(since(6))('in version %s floats are not valid levels: %s', (version, none) => {
    const levels = { users_default: 7, users: { [BOB]: 50.57, [ALICE]: -3.9 } }
    const { rules, state } = testRoom({ version, powerLevels: levels })
    const [bob, alice] = [powerLevels(rules, state).user(BOB), powerLevels(rules, state).user(ALICE)]
    expect([bob, alice]).toEqual(none ? [7, 7] : [50, -3])
  })
})

describe('numbers', () => {
  it.each(since(6))('in version %s must be integers: %s', (version, strict) => {
    const draft = {
      roomId: '!r:domain',
      type: 'm.room.message',
      sender: ALICE,
      content: { half: 0.5, large: 2 ** 60 },
      originServerTs: 1,
      depth: 1,
      authEvents: [],
      prevEvents: [],
    }
    const build = () => buildEvent(rulesOf(version), draft, 'domain', key)
    if (strict) expect(build).toThrow('integers')
    else expect(build().json).toContain('"content":{"half":0.5,"large":1152921504606847000}')
  })

  it('that JSON cannot hold are refused everywhere', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => canonicalJson(value, 'any')).toThrow()
    }
  })

  it.each([
    ['{"a":1.0}', true],
    ['{"a":1e2}', true],
    ['{"a":[{"b":-1E2}]}', true],
    ['9007199254740991.4', true],
    ['{"a.5":"1.0 1e2 \\" 2.5"}', false],
    ['{"a\\\\":1,"b":"\\\\","c":0.5}', true],
    ['{"a":10,"b":-3,"c":true,"e":"e","d":null}', false],
    [`{"a":"${'1.5 '.repeat(20_000)}"}`, false],
  ])('%j writes a float: %s', (json, found) => {
    expect(writesFloats(json)).toBe(found)
  })
})
