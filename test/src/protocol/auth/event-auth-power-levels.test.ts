/** Who may change which power level to what. */
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { ALICE, BOB, CAROL, CREATOR, testRoom, VERSIONS } from '../../../support/auth-room.ts'

const SCALARS = ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite']

/** Alice stands at 50 and may send power levels. */
const MAY_SEND = { events: { 'm.room.power_levels': 0 }, users: { [ALICE]: 50 } }

describe.each(VERSIONS)('power levels in room version %s', (version) => {
  const members = { [ALICE]: 'join', [BOB]: 'join' } as const
  const change = (before: JsonObject | undefined, after: unknown, sender = ALICE) =>
    testRoom({ version, members, powerLevels: before }).verdict({
      type: 'm.room.power_levels',
      state_key: '',
      sender,
      content: after as JsonObject,
    })

  describe('the format', () => {
    const first = (content: unknown) => change(undefined, content, CREATOR)

    test('allows the first one whatever it grants', () => {
      expect(first({ ban: 1000, users: { [ALICE]: 1000 }, events: { x: 1000 } })).toBe('allowed')
      expect(first({})).toBe('allowed')
    })
    test.each(SCALARS)('%s must be an integer', (key) => {
      for (const bad of ['50', 1.5, null, true, [], {}, Number.MAX_SAFE_INTEGER + 1]) {
        expect(first({ [key]: bad })).toBe(`${key} must be an integer`)
      }
      for (const good of [0, -1, Number.MAX_SAFE_INTEGER]) expect(first({ [key]: good })).toBe('allowed')
    })
    test.each(['events', 'notifications', 'users'])('%s must be an object of integers', (key) => {
      for (const bad of [[], 'x', 7, null, { [ALICE]: '50' }, { [ALICE]: 0.5 }, { [ALICE]: null }]) {
        expect(first({ [key]: bad })).toBe(`${key} must hold integers`)
      }
      expect(first({ [key]: { [ALICE]: 50 } })).toBe('allowed')
    })
    test.each(['alice', '@alice', 'alice:home.example', '', '@alice:'])('users must not name %j', (name) => {
      expect(first({ users: { [name]: 1 } })).toBe('the keys of users must be user IDs')
    })
    test('users may name historical user IDs', () => {
      expect(first({ users: { '@Old Name!:home.example': 1, '@:home.example': 1 } })).toBe('allowed')
    })
  })

  describe.each(SCALARS)('changing %s', (key) => {
    const NEW = `the new ${key} is above the sender's power level`
    const CURRENT = `the current ${key} is above the sender's power level`
    test.each<[from: number | undefined, to: number | undefined, verdict: string]>([
      [40, 50, 'allowed'],
      [50, 40, 'allowed'],
      [undefined, 50, 'allowed'],
      [undefined, 51, NEW],
      [50, undefined, 'allowed'],
      [51, undefined, CURRENT],
      [40, 51, NEW],
      [51, 40, CURRENT],
      [60, 60, 'allowed'],
    ])('from %s to %s by level 50: %s', (from, to, verdict) => {
      // What the key itself demands of the sender must not stand in the way of the change under test.
      const before = { ...MAY_SEND, [key]: from }
      expect(change(before, { ...MAY_SEND, [key]: to })).toBe(verdict)
    })
  })

  describe.each(['events', 'notifications'])('changing an entry of %s', (map) => {
    const NEW = "the new level of thing is above the sender's"
    const CURRENT = "the current level of thing is above the sender's"
    const entries = (level: number | undefined) => {
      const own: JsonObject = map === 'events' ? MAY_SEND.events : {}
      return { ...MAY_SEND, [map]: level === undefined ? own : { ...own, thing: level } }
    }
    test.each<[from: number | undefined, to: number | undefined, verdict: string]>([
      [undefined, 50, 'allowed'],
      [undefined, 51, NEW],
      [50, undefined, 'allowed'],
      [51, undefined, CURRENT],
      [40, 50, 'allowed'],
      [50, 0, 'allowed'],
      [40, 51, NEW],
      [51, 40, CURRENT],
      [99, 99, 'allowed'],
    ])('from %s to %s by level 50: %s', (from, to, verdict) => {
      expect(change(entries(from), entries(to))).toBe(verdict)
    })
    test('removing the whole object counts as removing each entry', () => {
      expect(change(entries(51), { ...entries(undefined), [map]: undefined })).toBe(CURRENT)
    })
  })

  describe('changing an entry of users', () => {
    const NEW = `the new power level of ${BOB} is above the sender's`
    const CURRENT = `the current power level of ${BOB} is not below the sender's`
    const users = (level: number | undefined) => ({
      ...MAY_SEND,
      users: level === undefined ? MAY_SEND.users : { ...MAY_SEND.users, [BOB]: level },
    })
    test.each<[from: number | undefined, to: number | undefined, verdict: string]>([
      [undefined, 50, 'allowed'],
      [undefined, 51, NEW],
      [49, undefined, 'allowed'],
      [50, undefined, CURRENT],
      [49, 50, 'allowed'],
      [49, 51, NEW],
      [50, 49, CURRENT],
      [51, 49, CURRENT],
      [51, 51, 'allowed'],
    ])('of another user from %s to %s by level 50: %s', (from, to, verdict) => {
      expect(change(users(from), users(to))).toBe(verdict)
    })
    test.each<[to: number | undefined, verdict: string]>([
      [0, 'allowed'],
      [undefined, 'allowed'],
      [51, `the new power level of ${ALICE} is above the sender's`],
    ])('of oneself from 50 to %s: %s', (to, verdict) => {
      expect(change(MAY_SEND, { ...MAY_SEND, users: to === undefined ? {} : { [ALICE]: to } })).toBe(verdict)
    })
    test('keys named like parts of every object are entries as any other', () => {
      const before = JSON.parse(`{"events":{"m.room.power_levels":0,"__proto__":51},"users":{"${ALICE}":50}}`)
      expect(change(before, MAY_SEND)).toBe("the current level of __proto__ is above the sender's")
      const after = { ...MAY_SEND, events: { ...MAY_SEND.events, constructor: 51 } }
      expect(change(MAY_SEND, after)).toBe("the new level of constructor is above the sender's")
    })
  })

  test('the level to send the event comes first', () => {
    expect(change({ users: { [ALICE]: 49 } }, { users: { [ALICE]: 49 } })).toBe(
      "the sender's power level is below the level required for m.room.power_levels",
    )
  })
})

describe('creators of room version 12', () => {
  const layout = {
    version: '12',
    create: { additional_creators: [ALICE] },
    members: { [ALICE]: 'join', [BOB]: 'join' } as const,
  }
  const event = (sender: string, content: JsonObject) =>
    ({ type: 'm.room.power_levels', state_key: '', sender, content }) as const

  test.each([CREATOR, ALICE])('%s must not be in users', (creator) => {
    for (const powerLevels of [undefined, { users: { [BOB]: 100 } }]) {
      const room = testRoom({ ...layout, powerLevels })
      expect(room.verdict(event(CREATOR, { users: { [creator]: 100 } }))).toBe(
        'users must not contain a creator',
      )
    }
  })
  test('may grant and take any level', () => {
    const room = testRoom({
      ...layout,
      powerLevels: { ban: 9000, users: { [BOB]: Number.MAX_SAFE_INTEGER } },
    })
    for (const sender of [CREATOR, ALICE]) {
      expect(room.verdict(event(sender, { users: { [BOB]: 0, [CAROL]: Number.MAX_SAFE_INTEGER } }))).toBe(
        'allowed',
      )
    }
  })
  test('an additional creator is nobody special in room version 11', () => {
    const room = testRoom({ ...layout, version: '11', powerLevels: { users: { [CREATOR]: 100 } } })
    expect(room.verdict(event(ALICE, {}))).toBe(
      "the sender's power level is below the level required for m.room.power_levels",
    )
    expect(room.verdict(event(CREATOR, { users: { [CREATOR]: 100, [ALICE]: 100 } }))).toBe('allowed')
  })
})
