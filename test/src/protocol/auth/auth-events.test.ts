/** Which state an event's auth_events are chosen from. */
import { describe, expect, test } from 'vitest'
import { authEventKeys } from '../../../../src/protocol/auth/auth-events.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { ALICE, BOB, CAROL, rulesOf, VERSIONS } from '../../../support/auth-room.ts'

describe.each(VERSIONS)('auth events selection in room version %s', (version) => {
  const rules = rulesOf(version)
  const base = [
    ...(rules.roomIdIsCreateHash ? [] : [['m.room.create', '']]),
    ['m.room.power_levels', ''],
    ['m.room.member', ALICE],
  ]
  const member = (stateKey: string, content: JsonObject) =>
    authEventKeys(rules, { type: 'm.room.member', stateKey, sender: ALICE, content })
  const joinRules = ['m.room.join_rules', '']

  test('the create event has none', () => {
    expect(authEventKeys(rules, { type: 'm.room.create', stateKey: '', sender: ALICE, content: {} })).toEqual(
      [],
    )
  })
  test.each([
    ['m.room.message', undefined],
    ['m.room.name', ''],
    ['m.room.power_levels', ''],
  ])('%s has power levels and the sender', (type, stateKey) => {
    expect(authEventKeys(rules, { type, stateKey, sender: ALICE, content: {} })).toEqual(base)
  })
  test.each([
    ['join', [joinRules]],
    ['invite', [joinRules]],
    ['knock', [joinRules]],
    ['leave', []],
    ['ban', []],
  ])('%s of oneself names each entry once', (membership, more) => {
    expect(member(ALICE, { membership })).toEqual([...base, ...more])
  })
  test.each([
    ['invite', [joinRules]],
    ['leave', []],
    ['ban', []],
  ])('%s of another adds the target', (membership, more) => {
    expect(member(BOB, { membership })).toEqual([...base, ['m.room.member', BOB], ...more])
  })
  test('an invite that redeems one by a third party adds that one', () => {
    const content = { membership: 'invite', third_party_invite: { signed: { token: 'tok' } } }
    const added = [['m.room.member', BOB], joinRules]
    expect(member(BOB, content)).toEqual([...base, ...added, ['m.room.third_party_invite', 'tok']])
    expect(member(BOB, { ...content, third_party_invite: { signed: { token: 7 } } })).toEqual([
      ...base,
      ...added,
    ])
    expect(member(BOB, { ...content, third_party_invite: 'x' })).toEqual([...base, ...added])
    expect(member(BOB, { ...content, membership: 'ban' })).toEqual([...base, ['m.room.member', BOB]])
  })
  test('a join that a member vouches for adds that member', () => {
    const content = { membership: 'join', join_authorised_via_users_server: CAROL }
    expect(member(ALICE, content)).toEqual([...base, joinRules, ['m.room.member', CAROL]])
    expect(member(ALICE, { ...content, join_authorised_via_users_server: ALICE })).toEqual([
      ...base,
      joinRules,
    ])
    expect(member(ALICE, { ...content, membership: 'knock' })).toEqual([...base, joinRules])
  })
})
