/** Every membership transition, under every join rule and at every power that matters. */
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Membership } from '../../../../src/protocol/rooms/membership.ts'
import { ALICE, BOB, CAROL, CREATOR, testRoom, VERSIONS } from '../../../support/auth-room.ts'

const NEVER = undefined
const BEFORE: (Membership | undefined)[] = [NEVER, 'leave', 'knock', 'invite', 'join', 'ban']

function member(sender: string, target: string, membership: unknown, more: JsonObject = {}) {
  const content = { membership, ...more } as JsonObject
  return { type: 'm.room.member', sender, state_key: target, content }
}

function was(membership: Membership | undefined): string {
  return membership ?? 'never a member'
}

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

  describe('knocking', () => {
    const RULES = ['public', 'invite', undefined, 'knock', 'restricted', 'knock_restricted', 'private']
    const cases = RULES.flatMap((rule) =>
      BEFORE.map((before) => {
        const open = rule === 'knock' || rule === 'knock_restricted'
        const may = before === NEVER || before === 'leave' || before === 'knock'
        const refusal = open
          ? 'the user is banned, invited or in the room already'
          : 'the join rule does not allow knocking'
        return { rule, before, verdict: open && may ? 'allowed' : refusal }
      }),
    )
    test.each(cases)('rule $rule, before: $before: $verdict', ({ rule, before, verdict }) => {
      const room = testRoom({ version, joinRule: rule, members: { [ALICE]: before } })
      expect(room.verdict(member(ALICE, ALICE, 'knock'))).toBe(verdict)
    })
    test('rejects a knock on behalf of another user', () => {
      const room = testRoom({ version, joinRule: 'knock' })
      expect(room.verdict(member(CREATOR, ALICE, 'knock'))).toBe('nobody can knock on behalf of another user')
    })
  })

  describe('inviting', () => {
    const TARGETS: Record<string, string> = {
      join: 'the user is in the room already',
      ban: 'the user is banned',
    }
    const cases = BEFORE.flatMap((senderIs) =>
      BEFORE.flatMap((targetIs) =>
        [29, 30, 31].map((level) => {
          const refusedPower = level < 30 ? "the sender's power level is below the invite level" : 'allowed'
          const refusedTarget = TARGETS[targetIs ?? ''] ?? refusedPower
          const verdict = senderIs === 'join' ? refusedTarget : 'the sender is not in the room'
          return { senderIs, targetIs, level, verdict }
        }),
      ),
    )
    test.each(cases)(
      'sender: $senderIs with level $level, target: $targetIs: $verdict',
      ({ senderIs, targetIs, level, verdict }) => {
        const powerLevels = { invite: 30, users: { [ALICE]: level } }
        const room = testRoom({ version, powerLevels, members: { [ALICE]: senderIs, [BOB]: targetIs } })
        expect(room.verdict(member(ALICE, BOB, 'invite'))).toBe(verdict)
      },
    )
    test('needs no power when the room sets no invite level', () => {
      const room = testRoom({ version, powerLevels: {}, members: { [ALICE]: 'join' } })
      expect(room.verdict(member(ALICE, BOB, 'invite'))).toBe('allowed')
    })
  })

  describe('leaving', () => {
    const MAY_LEAVE: (Membership | undefined)[] = ['invite', 'join', 'knock']
    test.each(BEFORE.map((before) => ({ before, allowed: MAY_LEAVE.includes(before) })))(
      'one who was $before, allowed: $allowed',
      ({ before, allowed }) => {
        const room = testRoom({ version, members: { [ALICE]: before } })
        expect(room.verdict(member(ALICE, ALICE, 'leave'))).toBe(
          allowed ? 'allowed' : 'the user is not in the room, nor invited or knocking',
        )
      },
    )
  })

  const BELOW_BAN = "the sender's power level is below the ban level"
  const BELOW_KICK = "the sender's power level is below the kick level"
  const NOT_ABOVE = "the user's power level is not below the sender's"
  const OUTSIDE = 'the sender is not in the room'

  /** kick 50, ban 60. */
  const POWERS = [
    { own: 49, other: 0, kick: BELOW_KICK, unban: BELOW_BAN, ban: BELOW_BAN },
    { own: 50, other: 0, kick: 'allowed', unban: BELOW_BAN, ban: BELOW_BAN },
    { own: 50, other: 49, kick: 'allowed', unban: BELOW_BAN, ban: BELOW_BAN },
    { own: 50, other: 50, kick: NOT_ABOVE, unban: BELOW_BAN, ban: BELOW_BAN },
    { own: 60, other: 59, kick: 'allowed', unban: 'allowed', ban: 'allowed' },
    { own: 60, other: 60, kick: NOT_ABOVE, unban: NOT_ABOVE, ban: NOT_ABOVE },
    { own: 60, other: 61, kick: NOT_ABOVE, unban: NOT_ABOVE, ban: NOT_ABOVE },
  ]
  const meeting = (
    own: number,
    other: number,
    senderIs: Membership | undefined,
    targetIs: Membership | undefined,
  ) =>
    testRoom({
      version,
      powerLevels: { kick: 50, ban: 60, users: { [ALICE]: own, [BOB]: other } },
      members: { [ALICE]: senderIs, [BOB]: targetIs },
    })

  describe('kicking and unbanning', () => {
    const cases = POWERS.flatMap(({ own, other, kick, unban }) =>
      BEFORE.map((targetIs) => ({ own, other, targetIs, verdict: targetIs === 'ban' ? unban : kick })),
    )
    test.each(cases)(
      'level $own against $other who was $targetIs: $verdict',
      ({ own, other, targetIs, verdict }) => {
        expect(meeting(own, other, 'join', targetIs).verdict(member(ALICE, BOB, 'leave'))).toBe(verdict)
      },
    )
    test.each(
      BEFORE.filter((senderIs) => senderIs !== 'join').map((senderIs) => [was(senderIs), senderIs] as const),
    )('is not for a sender who is: %s', (_title, senderIs) => {
      expect(meeting(100, 0, senderIs, 'join').verdict(member(ALICE, BOB, 'leave'))).toBe(OUTSIDE)
    })
    test('an unban needs the kick level too', () => {
      const powerLevels = { kick: 70, ban: 60, users: { [ALICE]: 65 } }
      const room = testRoom({ version, powerLevels, members: { [ALICE]: 'join', [BOB]: 'ban' } })
      expect(room.verdict(member(ALICE, BOB, 'leave'))).toBe(BELOW_KICK)
    })
  })

  describe('banning', () => {
    const cases = POWERS.flatMap(({ own, other, ban }) =>
      BEFORE.map((targetIs) => ({ own, other, targetIs, verdict: ban })),
    )
    test.each(cases)(
      'level $own against $other who was $targetIs: $verdict',
      ({ own, other, targetIs, verdict }) => {
        expect(meeting(own, other, 'join', targetIs).verdict(member(ALICE, BOB, 'ban'))).toBe(verdict)
      },
    )
    test.each(
      BEFORE.filter((senderIs) => senderIs !== 'join').map((senderIs) => [was(senderIs), senderIs] as const),
    )('is not for a sender who is: %s', (_title, senderIs) => {
      expect(meeting(100, 0, senderIs, 'join').verdict(member(ALICE, BOB, 'ban'))).toBe(OUTSIDE)
    })
    test('rejects a user who bans themself', () => {
      expect(meeting(100, 0, 'join', 'join').verdict(member(ALICE, ALICE, 'ban'))).toBe(NOT_ABOVE)
    })
  })

  describe('redeeming a third-party invite', () => {
    const signed = { mxid: BOB, token: 'tok', signatures: {} }
    const redeem = (thirdPartyInvite: unknown) =>
      member(ALICE, BOB, 'invite', { third_party_invite: thirdPartyInvite } as JsonObject)
    const layout = { version, powerLevels: { invite: 50 }, thirdPartyInvites: { tok: { sender: ALICE } } }
    const verified = { thirdPartyInviteVerified: true }

    test('allows it, though the sender has left and lacks the invite level', () => {
      expect(testRoom(layout).verdict(redeem({ signed }), verified)).toBe('allowed')
    })
    test('rejects it when no signature was found good', () => {
      const sentence = 'no signature of the third-party invite matches its public keys'
      expect(testRoom(layout).verdict(redeem({ signed }))).toBe(sentence)
      expect(testRoom(layout).verdict(redeem({ signed }), { thirdPartyInviteVerified: false })).toBe(sentence)
    })
    test('rejects it for a banned user', () => {
      const room = testRoom({ ...layout, members: { [BOB]: 'ban' } })
      expect(room.verdict(redeem({ signed }), verified)).toBe('the user is banned')
    })
    test.each<[unknown, string]>([
      [{}, 'the third-party invite has no signed part'],
      [null, 'the third-party invite has no signed part'],
      [{ signed: 'x' }, 'the third-party invite has no signed part'],
      [{ signed: { token: 'tok' } }, 'the third-party invite lacks mxid or token'],
      [{ signed: { mxid: BOB } }, 'the third-party invite lacks mxid or token'],
      [{ signed: { mxid: ALICE, token: 'tok' } }, 'the third-party invite is for another user'],
      [{ signed: { mxid: BOB, token: 'no' } }, 'the room has no third-party invite with this token'],
    ])('rejects %j', (thirdPartyInvite, sentence) => {
      expect(testRoom(layout).verdict(redeem(thirdPartyInvite), verified)).toBe(sentence)
    })
    test('rejects it when another user made the offer', () => {
      const room = testRoom({ ...layout, thirdPartyInvites: { tok: { sender: CAROL } } })
      expect(room.verdict(redeem({ signed }), verified)).toBe(
        'the third-party invite was made by another user',
      )
    })
  })

  describe('malformed membership events', () => {
    const room = testRoom({ version, joinRule: 'public' })
    test('rejects one without a state_key', () => {
      const event = { type: 'm.room.member', sender: ALICE, content: { membership: 'join' } }
      expect(room.verdict(event)).toBe('a membership needs a user as its state_key')
    })
    test('rejects one about something that is no user', () => {
      expect(room.verdict(member(CREATOR, 'alice', 'invite'))).toBe(
        'a membership needs a user as its state_key',
      )
    })
    test('rejects one without a membership', () => {
      expect(room.verdict(member(ALICE, ALICE, undefined))).toBe(
        'a membership event must state the membership',
      )
    })
    test.each([['joined'], ['constructor'], [''], [null], [1], [['join']]])(
      'rejects membership %j',
      (membership) => {
        expect(room.verdict(member(ALICE, ALICE, membership))).toBe('the membership is unknown')
      },
    )
  })
})

describe('creators of room version 12', () => {
  const room = testRoom({
    version: '12',
    create: { additional_creators: [ALICE] },
    powerLevels: { kick: 50, ban: 50, invite: 100, users: { [BOB]: Number.MAX_SAFE_INTEGER } },
    members: { [ALICE]: 'join', [BOB]: 'join' },
  })
  const NOT_ABOVE = "the user's power level is not below the sender's"

  test.each(['leave', 'ban'])(
    'no power, not even that of another creator, can set a creator to %s',
    (membership) => {
      for (const [sender, target] of [
        [BOB, CREATOR],
        [BOB, ALICE],
        [CREATOR, ALICE],
        [ALICE, CREATOR],
      ] as const) {
        expect(room.verdict(member(sender, target, membership))).toBe(NOT_ABOVE)
      }
    },
  )
  test.each([CREATOR, ALICE])('%s may kick, ban and invite the mightiest of the others', (sender) => {
    expect(room.verdict(member(sender, BOB, 'leave'))).toBe('allowed')
    expect(room.verdict(member(sender, BOB, 'ban'))).toBe('allowed')
    expect(room.verdict(member(sender, CAROL, 'invite'))).toBe('allowed')
  })
})
