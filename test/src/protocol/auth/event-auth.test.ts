/** The authorisation rules around memberships: creation, federation, ordinary events, cited events. */
import { describe, expect, test } from 'vitest'
import { checkAuthEvents, checkEventAuth } from '../../../../src/protocol/auth/event-auth.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import {
  ALICE,
  BOB,
  CAROL,
  CREATOR,
  pdu,
  rulesOf,
  stateOf,
  testRoom,
  VERSIONS,
  verdictOf,
} from '../../../support/auth-room.ts'

describe.each(VERSIONS)('room version %s', (version) => {
  const rules = rulesOf(version)

  describe('the create event', () => {
    const base: Partial<Pdu> = {
      type: 'm.room.create',
      state_key: '',
      prev_events: [],
      content: { room_version: version, ...(rules.createHasCreator ? { creator: CREATOR } : {}) },
    }
    if (!rules.roomIdIsCreateHash) base.room_id = '!room:home.example'
    const verdict = (fields: Partial<Pdu>) =>
      verdictOf(() => checkEventAuth(rules, pdu({ ...base, ...fields }), stateOf([])))
    const withContent = (content: JsonObject) => verdict({ content: { ...base.content, ...content } })

    test('allows a well-formed one', () => {
      expect(verdict({})).toBe('allowed')
    })
    test('rejects one that follows other events', () => {
      expect(verdict({ prev_events: ['$x'] })).toBe('the create event must not have prev_events')
    })
    test('rejects a room version that is not recognised, and takes a missing one', () => {
      for (const unknown of ['99', '', 12, null]) {
        expect(withContent({ room_version: unknown })).toBe('the room version is not recognised')
      }
      expect(withContent({ room_version: undefined })).toBe('allowed')
    })
    test('takes the room_id that this room version asks for', () => {
      const byVersion = rules.roomIdIsCreateHash
        ? { undefined: 'allowed', '!room:home.example': 'the create event must not have a room_id' }
        : {
            undefined: "the room_id must be of the sender's server",
            '!room:away.example': "the room_id must be of the sender's server",
            '!room': "the room_id must be of the sender's server",
            '!room:home.example': 'allowed',
          }
      for (const [roomId, expected] of Object.entries(byVersion)) {
        expect(verdict({ room_id: roomId === 'undefined' ? undefined : roomId })).toBe(expected)
      }
    })
    test('asks for a creator where the room version has one', () => {
      const sentence = 'the create event must name a creator'
      expect(withContent({ creator: undefined })).toBe(rules.createHasCreator ? sentence : 'allowed')
    })
    test('checks additional creators where the room version knows them', () => {
      const sentence = rules.privilegedCreators ? 'additional_creators must be a list of user IDs' : 'allowed'
      for (const bad of ['@a:home.example', [7], ['alice'], [ALICE, '@nodomain'], null, {}]) {
        expect(withContent({ additional_creators: bad as JsonObject })).toBe(sentence)
      }
      expect(withContent({ additional_creators: [ALICE, CAROL] })).toBe('allowed')
      expect(withContent({ additional_creators: [] })).toBe('allowed')
    })
  })

  describe('the room', () => {
    test('rejects an event where there is no create event', () => {
      const verdict = verdictOf(() => checkEventAuth(rules, pdu({ room_id: '!r:home.example' }), stateOf([])))
      expect(verdict).toBe('the room has no create event')
    })
    test('rejects an event with the id of another room, or none', () => {
      const room = testRoom({ version })
      for (const roomId of ['!other:home.example', undefined]) {
        expect(room.verdict({ room_id: roomId })).toBe('the room_id is not that of the room')
      }
    })
    test('m.federate false keeps out senders of other servers, members too', () => {
      const closed = testRoom({
        version,
        create: { 'm.federate': false },
        joinRule: 'public',
        members: { [CAROL]: 'join', [ALICE]: 'join' },
      })
      const sentence = 'the room does not federate, and the sender is from another server'
      const join = { type: 'm.room.member', content: { membership: 'join' } }
      expect(closed.verdict({ sender: CAROL })).toBe(sentence)
      expect(closed.verdict({ ...join, sender: CAROL, state_key: CAROL })).toBe(sentence)
      expect(closed.verdict({ sender: ALICE })).toBe('allowed')
      const invite = { type: 'm.room.member', content: { membership: 'invite' }, sender: ALICE }
      expect(closed.verdict({ ...invite, state_key: CAROL })).toBe(
        'the room does not federate, and the user is from another server',
      )
    })
    test('federates unless m.federate is false itself', () => {
      for (const value of [true, 'false', null, undefined]) {
        const room = testRoom({ version, create: { 'm.federate': value }, members: { [CAROL]: 'join' } })
        expect(room.verdict({ sender: CAROL })).toBe('allowed')
      }
    })
  })

  describe('ordinary events', () => {
    const powerLevels = {
      events: { 'm.room.name': 40, 'm.reaction': 5, 'm.room.third_party_invite': 90 },
      events_default: 10,
      state_default: 60,
      invite: 30,
      users_default: 0,
      users: { [ALICE]: 10, [BOB]: 40 },
    }
    const room = testRoom({ version, powerLevels, members: { [ALICE]: 'join', [BOB]: 'join' } })
    const below = (type: string) => `the sender's power level is below the level required for ${type}`

    test.each(['leave', 'ban', 'invite', 'knock', undefined] as const)(
      'rejects a sender whose membership is %s',
      (membership) => {
        const outside = testRoom({ version, members: { [ALICE]: membership } })
        expect(outside.verdict({ sender: ALICE })).toBe('the sender is not in the room')
      },
    )
    test.each([
      { sender: ALICE, type: 'm.room.message', key: undefined, allowed: true },
      { sender: CAROL, type: 'm.room.message', key: undefined, allowed: false },
      { sender: CAROL, type: 'm.reaction', key: undefined, allowed: false },
      { sender: ALICE, type: 'm.reaction', key: undefined, allowed: true },
      { sender: ALICE, type: 'm.room.message', key: '', allowed: false },
      { sender: BOB, type: 'm.room.topic', key: '', allowed: false },
      { sender: BOB, type: 'm.room.name', key: '', allowed: true },
      { sender: BOB, type: 'm.room.name', key: undefined, allowed: true },
      { sender: ALICE, type: 'm.room.name', key: '', allowed: false },
      { sender: ALICE, type: 'constructor', key: undefined, allowed: true },
      { sender: ALICE, type: 'constructor', key: '', allowed: false },
    ])('$type with state_key $key from $sender: $allowed', ({ sender, type, key, allowed }) => {
      const withCarol = testRoom({
        version,
        powerLevels,
        members: { [ALICE]: 'join', [BOB]: 'join', [CAROL]: 'join' },
      })
      expect(withCarol.verdict({ sender, type, state_key: key })).toBe(allowed ? 'allowed' : below(type))
    })
    test('without power levels, state needs 50 and messages nothing', () => {
      const bare = testRoom({ version, members: { [ALICE]: 'join' } })
      expect(bare.verdict({ sender: ALICE })).toBe('allowed')
      expect(bare.verdict({ sender: ALICE, type: 'm.room.name', state_key: '' })).toBe(below('m.room.name'))
      expect(bare.verdict({ sender: CREATOR, type: 'm.room.name', state_key: '' })).toBe('allowed')
    })
    test('a state_key that starts with @ is for that user alone', () => {
      const type = 'org.example.status'
      const open = testRoom({ version, powerLevels: { state_default: 0 }, members: { [ALICE]: 'join' } })
      const sentence = 'a state_key that starts with @ must be the sender'
      expect(open.verdict({ sender: ALICE, type, state_key: ALICE })).toBe('allowed')
      expect(open.verdict({ sender: ALICE, type, state_key: BOB })).toBe(sentence)
      expect(open.verdict({ sender: CREATOR, type, state_key: ALICE })).toBe(sentence)
      expect(open.verdict({ sender: ALICE, type, state_key: '@' })).toBe(sentence)
      expect(open.verdict({ sender: ALICE, type, state_key: `_${BOB}` })).toBe('allowed')
    })
    test('a third-party invite asks for the invite level and nothing else', () => {
      const offer = { type: 'm.room.third_party_invite', state_key: '@token' }
      expect(room.verdict({ ...offer, sender: BOB })).toBe('allowed')
      const exact = testRoom({
        version,
        powerLevels: { ...powerLevels, invite: 10 },
        members: { [ALICE]: 'join' },
      })
      expect(exact.verdict({ ...offer, sender: ALICE })).toBe('allowed')
      expect(room.verdict({ ...offer, sender: ALICE })).toBe(
        "the sender's power level is below the invite level",
      )
      expect(room.verdict({ ...offer, sender: CAROL })).toBe('the sender is not in the room')
    })
    test('a redaction is an ordinary event: the redact level is no rule', () => {
      const strict = testRoom({ version, powerLevels: { redact: 100 }, members: { [ALICE]: 'join' } })
      expect(strict.verdict({ sender: ALICE, type: 'm.room.redaction', redacts: '$x' })).toBe('allowed')
    })
  })

  describe('auth_events', () => {
    const room = testRoom({
      version,
      powerLevels: {},
      joinRule: 'invite',
      members: { [ALICE]: 'join', [BOB]: 'invite' },
    })
    const get = (type: string, stateKey = '') => {
      const found = room.state.get(type, stateKey)
      if (found === undefined) throw new Error(`no ${type}`)
      return found
    }
    const create = rules.roomIdIsCreateHash ? [] : [get('m.room.create')]
    const own = [...create, get('m.room.power_levels'), get('m.room.member', ALICE)]
    const message = room.event({ sender: ALICE })
    const verdict = (event: Pdu, cited: typeof own) => verdictOf(() => checkAuthEvents(rules, event, cited))

    test('allows what the selection chooses', () => {
      expect(verdict(message, own)).toBe('allowed')
    })
    test('allows less than the selection chooses, but for the create event', () => {
      expect(verdict(message, create)).toBe('allowed')
      expect(verdict(message, [])).toBe(
        rules.roomIdIsCreateHash ? 'allowed' : 'auth_events lacks the create event',
      )
    })
    test('rejects two entries for the same state', () => {
      expect(verdict(message, [...own, { ...get('m.room.power_levels'), eventId: '$twin' }])).toBe(
        'auth_events has two entries for the same type and state_key',
      )
    })
    test('rejects an entry the selection would not choose', () => {
      for (const [type, key] of [
        ['m.room.join_rules', ''],
        ['m.room.member', BOB],
      ] as const) {
        expect(verdict(message, [...own, get(type, key)])).toBe(
          `auth_events cites ${type}, which does not authorise this event`,
        )
      }
    })
    test('a membership may cite the target and the join rules', () => {
      const content = { membership: 'invite' }
      const invite = room.event({ type: 'm.room.member', sender: ALICE, state_key: BOB, content })
      expect(verdict(invite, [...own, get('m.room.member', BOB), get('m.room.join_rules')])).toBe('allowed')
    })
    test('the create event is cited just where the room version asks for it', () => {
      expect(verdict(message, [get('m.room.create'), get('m.room.member', ALICE)])).toBe(
        rules.roomIdIsCreateHash
          ? 'auth_events cites m.room.create, which does not authorise this event'
          : 'allowed',
      )
    })
    test('rejects an event of another room', () => {
      const foreign = get('m.room.power_levels')
      const cited = { ...foreign, pdu: { ...foreign.pdu, room_id: '!other:home.example' } }
      expect(verdict(message, [...create, cited])).toBe('auth_events cites an event of another room')
    })
    test('rejects an event that is not state', () => {
      expect(verdict(message, [...create, { eventId: '$m', pdu: room.event({}) }])).toBe(
        'auth_events cites an event that is not state',
      )
    })
  })
})
