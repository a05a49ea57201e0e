/** Every membership transition but joins, under every join rule and at every power that matters. */
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Membership } from '../../../../src/protocol/rooms/membership.ts'
import {
  ALICE,
  BEFORE,
  BOB,
  CAROL,
  CREATOR,
  member,
  NEVER,
  testRoom,
  VERSIONS,
  was,
} from '../../../support/auth-room.ts'

describe.each(VERSIONS)('memberships in room version %s', (version) => {
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
