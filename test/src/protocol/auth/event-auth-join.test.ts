/** Joins, under every join rule and from every membership before. */
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Membership } from '../../../../src/protocol/rooms/membership.ts'
import {
  ALICE,
  BEFORE,
  BOB,
  CREATOR,
  member,
  NEVER,
  testRoom,
  VERSIONS,
  was,
} from '../../../support/auth-room.ts'

describe.each(VERSIONS)('memberships in room version %s', (version) => {
  describe('joining', () => {
    const NOT_INVITED = 'the user is not invited'
    const NO_VOUCHER = 'the user is not invited, and no member vouches for them'
    const NOBODY = 'the join rule lets nobody join'
    const ADMITS: { rule: string | undefined; admits: (Membership | undefined)[]; refusal: string }[] = [
      { rule: 'public', admits: [NEVER, 'leave', 'knock', 'invite', 'join'], refusal: '' },
      { rule: 'invite', admits: ['invite', 'join'], refusal: NOT_INVITED },
      { rule: undefined, admits: ['invite', 'join'], refusal: NOT_INVITED },
      { rule: 'knock', admits: ['invite', 'join'], refusal: NOT_INVITED },
      { rule: 'restricted', admits: ['invite', 'join'], refusal: NO_VOUCHER },
      { rule: 'knock_restricted', admits: ['invite', 'join'], refusal: NO_VOUCHER },
      { rule: 'private', admits: [], refusal: NOBODY },
      { rule: 'made.up', admits: [], refusal: NOBODY },
    ]
    const cases = ADMITS.flatMap(({ rule, admits, refusal }) =>
      BEFORE.map((before) => {
        const refused = before === 'ban' ? 'the user is banned' : refusal
        return { rule, before, verdict: admits.includes(before) ? 'allowed' : refused }
      }),
    )
    test.each(cases)('rule $rule, before: $before: $verdict', ({ rule, before, verdict }) => {
      const room = testRoom({ version, joinRule: rule, members: { [ALICE]: before } })
      expect(room.verdict(member(ALICE, ALICE, 'join'))).toBe(verdict)
    })

    test('rejects a join on behalf of another user', () => {
      const room = testRoom({ version, joinRule: 'public' })
      expect(room.verdict(member(CREATOR, ALICE, 'join'))).toBe('nobody can join on behalf of another user')
    })

    test('allows the creator straight after the create event, whatever the join rule', () => {
      const room = testRoom({ version, members: { [CREATOR]: undefined } })
      const join = member(CREATOR, CREATOR, 'join')
      expect(room.verdict({ ...join, prev_events: [room.create.eventId] })).toBe('allowed')
    })

    test('rejects the creator later, or after several events', () => {
      const room = testRoom({ version, members: { [CREATOR]: undefined } })
      const join = member(CREATOR, CREATOR, 'join')
      expect(room.verdict({ ...join, prev_events: ['$other'] })).toBe(NOT_INVITED)
      expect(room.verdict({ ...join, prev_events: [room.create.eventId, '$other'] })).toBe(NOT_INVITED)
      expect(room.verdict({ ...join, prev_events: [] })).toBe(NOT_INVITED)
    })

    test('rejects anyone but the creator straight after the create event', () => {
      const room = testRoom({ version, create: { additional_creators: [BOB] } })
      for (const userId of [ALICE, BOB]) {
        const join = member(userId, userId, 'join')
        expect(room.verdict({ ...join, prev_events: [room.create.eventId] })).toBe(NOT_INVITED)
      }
    })
  })

  describe.each(['restricted', 'knock_restricted'])('joining a %s room with a voucher', (joinRule) => {
    const vouched = (voucher: unknown) => ({ join_authorised_via_users_server: voucher }) as JsonObject
    const room = (before: Membership | undefined, voucherIs: Membership | undefined, level = 50) =>
      testRoom({
        version,
        joinRule,
        members: { [ALICE]: before, [BOB]: voucherIs },
        powerLevels: { invite: 50, users: { [BOB]: level } },
      })

    test.each(BEFORE.filter((before) => before !== 'ban').map((before) => [was(before), before] as const))(
      'allows a user who was: %s',
      (_title, before) => {
        expect(room(before, 'join').verdict(member(ALICE, ALICE, 'join', vouched(BOB)))).toBe('allowed')
      },
    )
    test('rejects a banned user', () => {
      expect(room('ban', 'join').verdict(member(ALICE, ALICE, 'join', vouched(BOB)))).toBe(
        'the user is banned',
      )
    })
    test.each(BEFORE.filter((before) => before !== 'join').map((before) => [was(before), before] as const))(
      'rejects a voucher who is: %s',
      (_title, voucherIs) => {
        expect(room(NEVER, voucherIs).verdict(member(ALICE, ALICE, 'join', vouched(BOB)))).toBe(
          'the user who vouches for the join is not in the room',
        )
      },
    )
    test('rejects a voucher who may not invite', () => {
      expect(room(NEVER, 'join', 49).verdict(member(ALICE, ALICE, 'join', vouched(BOB)))).toBe(
        'the user who vouches for the join may not invite',
      )
    })
    test('does not ask for the voucher of an invited user to be any good', () => {
      expect(room('invite', NEVER).verdict(member(ALICE, ALICE, 'join', vouched(BOB)))).toBe('allowed')
    })
    test.each([[null], [7], ['bob'], ['']])('rejects %j as a voucher', (voucher) => {
      expect(room('invite', 'join').verdict(member(ALICE, ALICE, 'join', vouched(voucher)))).toBe(
        'join_authorised_via_users_server must name a user whose server signed the event',
      )
    })
  })

  test('a voucher does not open a room that is not restricted', () => {
    const more = { join_authorised_via_users_server: CREATOR }
    for (const joinRule of ['invite', 'knock']) {
      const room = testRoom({ version, joinRule })
      expect(room.verdict(member(ALICE, ALICE, 'join', more))).toBe('the user is not invited')
    }
  })
})
