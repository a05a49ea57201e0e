/** Levels and their defaults, with and without m.room.power_levels. */
import { describe, expect, test } from 'vitest'
import { creatorsOf, powerLevels } from '../../../../src/protocol/auth/power-levels.ts'
import {
  ALICE,
  BOB,
  CREATOR,
  pdu,
  type RoomLayout,
  rulesOf,
  testRoom,
  VERSIONS,
} from '../../../support/auth-room.ts'

function levelsOf(layout: RoomLayout) {
  const room = testRoom(layout)
  return powerLevels(room.rules, room.state)
}

describe.each(VERSIONS)('power levels in room version %s', (version) => {
  const creatorLevel = version === '12' ? Number.POSITIVE_INFINITY : 100

  test.each([
    ['without the event', undefined],
    ['with an empty event', {}],
  ])('has the defaults of the specification %s', (_title, content) => {
    const levels = levelsOf({ version, powerLevels: content })
    const { ban, kick, redact, invite } = levels
    expect({ ban, kick, redact, invite }).toEqual({ ban: 50, kick: 50, redact: 50, invite: 0 })
    expect(levels.event('m.room.message', false)).toBe(0)
    expect(levels.event('m.room.name', true)).toBe(50)
    expect(levels.notification('room')).toBe(50)
    expect(levels.user(ALICE)).toBe(0)
    expect(levels.content).toEqual({})
  })
  test('the creator stands high until the event says otherwise', () => {
    expect(levelsOf({ version }).user(CREATOR)).toBe(creatorLevel)
    expect(levelsOf({ version, powerLevels: {} }).user(CREATOR)).toBe(version === '12' ? creatorLevel : 0)
  })
  test('reads what the event gives', () => {
    const content = {
      users: { [ALICE]: 70, [BOB]: -5 },
      users_default: 3,
      events: { 'm.room.name': 11 },
      events_default: 12,
      state_default: 13,
      ban: 14,
      kick: 15,
      redact: 16,
      invite: 17,
      notifications: { room: 18 },
    }
    const levels = levelsOf({ version, powerLevels: content })
    expect([ALICE, BOB, '@other:x.example'].map((userId) => levels.user(userId))).toEqual([70, -5, 3])
    expect(levels.event('m.room.name', true)).toBe(11)
    expect(levels.event('m.room.name', false)).toBe(11)
    expect(levels.event('m.other', false)).toBe(12)
    expect(levels.event('m.other', true)).toBe(13)
    expect([levels.ban, levels.kick, levels.redact, levels.invite]).toEqual([14, 15, 16, 17])
    expect([levels.notification('room'), levels.notification('other')]).toEqual([18, 50])
    expect(levels.content).toBe(content)
  })
  test('takes what is not an integer, and what every object has, as absent', () => {
    const levels = levelsOf({
      version,
      powerLevels: { users: { [ALICE]: '100' }, events: [], ban: 1.5, kick: '0', users_default: null },
    })
    expect(levels.user(ALICE)).toBe(0)
    expect([levels.ban, levels.kick]).toEqual([50, 50])
    for (const type of ['constructor', 'toString', '__proto__']) expect(levels.event(type, true)).toBe(50)
  })
})

test('looks the create event up only where creators count', () => {
  const asked: string[] = []
  const room = testRoom({ version: '11', powerLevels: { users: { [ALICE]: 1 } } })
  const state = {
    get: (type: string, key: string) => {
      asked.push(type)
      return room.state.get(type, key)
    },
  }
  powerLevels(room.rules, state).user(ALICE)
  expect(asked).toEqual(['m.room.power_levels'])
})

describe('creators', () => {
  const create = { eventId: '$c', pdu: pdu({ content: { creator: ALICE, additional_creators: [BOB, 7] } }) }
  test.each([
    ['10', [ALICE]],
    ['11', [CREATOR]],
    ['12', [CREATOR, BOB]],
  ])('of room version %s are %j', (version, expected) => {
    expect(creatorsOf(rulesOf(version), create)).toEqual(expected)
  })
  test('room version 10 without a usable creator has none', () => {
    expect(creatorsOf(rulesOf('10'), { eventId: '$c', pdu: pdu({ content: { creator: 7 } }) })).toEqual([])
  })
  test('room version 12 without additional creators has its sender', () => {
    expect(creatorsOf(rulesOf('12'), { eventId: '$c', pdu: pdu({}) })).toEqual([CREATOR])
  })
  test('additional creators of room version 12 stand above every level', () => {
    const levels = levelsOf({ version: '12', create: { additional_creators: [BOB] }, powerLevels: {} })
    expect(levels.user(BOB)).toBe(Number.POSITIVE_INFINITY)
    expect(levels.user(ALICE)).toBe(0)
  })
})

test('a level with a fraction is cut off at the point, where a room version allows one', () => {
  const { ban, kick } = levelsOf({ version: '5', powerLevels: { ban: 49.9, kick: -1.9 } })
  expect({ ban, kick }).toEqual({ ban: 49, kick: -1 })
})
