/** What push rules say about events: the conditions one by one, and the default rules. */
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import {
  evaluatePush,
  type PushContext,
  type PushEvent,
} from '../../../../src/protocol/push/push-evaluator.ts'
import { defaultPushRules } from '../../../../src/protocol/push/push-rules.ts'
import { context, event, holds, me, text } from './one-rule.ts'

describe('event_match', () => {
  it.each([
    ['content.body', 'cake', 'I like cake', true],
    ['content.body', 'cake', 'CAKE!', true],
    ['content.body', 'cake', 'cakes', false],
    ['content.body', 'cake', 'pancake', false],
    ['content.body', 'cake', 'cake_', false],
    ['content.body', 'cake*lie', 'the cake is a lie.', true],
    ['content.body', 'ca?e', 'a cave', true],
    ['content.body', 'ca?e', 'a cae', false],
    ['content.body', 'c*', 'abc', false],
    ['content.body', '*ake', 'pancake', true],
    ['content.body', 'a b', 'x a b y', true],
    ['content.body', '', 'anything', false],
    ['content.body', '?', 'a', true],
    ['content.body', '👍', 'yes 👍', true],
    ['content.topic', 'lunch', 'lunch', true],
    ['content.topic', 'lunch', 'Lunch', true],
    ['content.topic', 'lunch', 'lunch plans', false],
    ['content.topic', 'lunch*', 'lunch plans', true],
    ['content.topic', 'lunc?*', 'lunch', true],
    ['content.topic', '*', '', true],
    ['content.topic', '?', '👍', true],
    ['content.topic', 'a*a', 'a', false],
  ])('%s against %j of %j: %s', (key, pattern, value, expected) => {
    const name = key.slice('content.'.length)
    expect(holds({ kind: 'event_match', key, pattern }, event({ [name]: value }))).toBe(expected)
  })

  it('looks only at strings, and only at fields that are present', () => {
    expect(holds({ kind: 'event_match', key: 'content.n', pattern: '7' }, event({ n: 7 }))).toBe(false)
    expect(holds({ kind: 'event_match', key: 'content.n', pattern: '*' }, event({}))).toBe(false)
    expect(holds({ kind: 'event_match', key: 'room_id', pattern: '!room' }, event({}))).toBe(true)
    expect(holds({ kind: 'event_match', key: 'content.toString', pattern: '*' }, event({}))).toBe(false)
  })

  it('reads paths with escaped dots and backslashes', () => {
    const nested = event({ 'm.relates_to': { 'a\\b': 'yes' }, m: { relates_to: 'no' } })
    const key = String.raw`content.m\.relates_to.a\\b`
    expect(holds({ kind: 'event_match', key, pattern: 'yes' }, nested)).toBe(true)
    expect(holds({ kind: 'event_match', key: 'content.m.relates_to', pattern: 'no' }, nested)).toBe(true)
    expect(
      holds({ kind: 'event_match', key: String.raw`content.\x`, pattern: 'yes' }, event({ '\\x': 'yes' })),
    ).toBe(true)
  })
})

describe('the other conditions', () => {
  it.each([
    [true, true, true],
    [true, 'true', false],
    [0, false, false],
    [null, null, true],
    ['m.replace', 'm.replace', true],
    ['M.replace', 'm.replace', false],
    [{}, {}, false],
  ])('event_property_is: %j against %j: %s', (value, wanted, expected) => {
    const condition = { kind: 'event_property_is', key: 'content.x', value: wanted } as JsonObject
    expect(holds(condition, event({ x: value } as JsonObject))).toBe(expected)
  })

  it('sees no properties but the event’s own', () => {
    const of = (key: string) => holds({ kind: 'event_property_is', key, value: null }, event({}))
    expect(of('__proto__.__proto__')).toBe(false)
    expect(of('content.__proto__.__proto__')).toBe(false)
  })

  it.each([
    [['a', 'b'], 'b', true],
    [['a', 1], '1', false],
    [[null], null, true],
    ['b', 'b', false],
  ])('event_property_contains: %j has %j: %s', (value, wanted, expected) => {
    const condition = { kind: 'event_property_contains', key: 'content.x', value: wanted } as JsonObject
    expect(holds(condition, event({ x: value } as JsonObject))).toBe(expected)
  })

  it.each([
    ['3', true],
    ['==3', true],
    ['2', false],
    ['<4', true],
    ['<3', false],
    ['>=3', true],
    ['<=2', false],
    ['>2', true],
    ['=3', false],
    ['many', false],
  ])('room_member_count %s of 3: %s', (is, expected) => {
    expect(holds({ kind: 'room_member_count', is }, text('x'))).toBe(expected)
  })

  it('sender_notification_permission checks the level that its key needs', () => {
    const condition = { kind: 'sender_notification_permission', key: 'room' }
    expect(holds(condition, text('x'), { mayNotify: (key) => key === 'room' })).toBe(true)
    expect(holds(condition, text('x'))).toBe(false)
  })

  it.each([
    ['hello mo (SHE*)!', true],
    ['xmo (she*)', false],
    ['mo (shell)', false],
  ])('contains_display_name in %j: %s', (body, expected) => {
    expect(holds({ kind: 'contains_display_name' }, text(body))).toBe(expected)
  })

  it.each([{ kind: 'unknown' }, { kind: 'constructor' }, {}, { kind: 'event_match', key: 'type' }])(
    '%j matches nothing',
    (condition) => expect(holds(condition as JsonObject, text('x'))).toBe(false),
  )
})

describe('a ruleset', () => {
  const rule = (rule_id: string, actions: JsonObject['x'][], rest: JsonObject = {}): JsonObject => ({
    rule_id,
    actions: actions as JsonObject[],
    ...rest,
  })

  it('goes by the kinds in order, and the first match decides', () => {
    const ruleset = {
      underride: [rule('u', ['notify'], { conditions: [] })],
      sender: [rule('@other:test.example', ['notify', { set_tweak: 'sound', value: 'sender' }])],
      room: [rule('!room', ['notify', { set_tweak: 'sound', value: 'room' }])],
      content: [rule('c', ['notify', { set_tweak: 'sound', value: 'content' }], { pattern: 'cake' })],
      override: [
        rule('o', [], { conditions: [{ kind: 'event_match', key: 'content.body', pattern: 'quiet' }] }),
      ],
    }
    const sounds = ['some cake', 'tea'].map((body) => evaluatePush(ruleset, text(body), context).sound)
    expect(sounds).toEqual(['content', 'room'])
    expect(evaluatePush(ruleset, text('quiet cake'), context).notify).toBe(false)
    const { room: _, ...rest } = ruleset
    expect(evaluatePush(rest, text('tea'), context).sound).toBe('sender')
  })

  it('passes over what is disabled, and says nothing where nothing matches', () => {
    const ruleset = { override: [rule('o', ['notify'], { enabled: false })] }
    expect(evaluatePush(ruleset, text('x'), context)).toEqual({ notify: false, highlight: false })
  })

  it('never notifies of the user’s own events', () => {
    const ruleset = { override: [rule('o', ['notify'])] }
    expect(evaluatePush(ruleset, event({}, { sender: me }), context).notify).toBe(false)
    expect(evaluatePush(ruleset, event({}), context).notify).toBe(true)
  })

  it.each([
    [['notify', { set_tweak: 'highlight' }], { notify: true, highlight: true }],
    [['notify', { set_tweak: 'highlight', value: false }], { notify: true, highlight: false }],
    [['dont_notify'], { notify: false, highlight: false }],
    [['coalesce'], { notify: false, highlight: false }],
    [[{ set_tweak: 'highlight' }], { notify: false, highlight: false }],
  ])('reads the actions %j', (actions, expected) => {
    const ruleset = { override: [rule('o', actions as JsonObject[])] }
    expect(evaluatePush(ruleset, text('x'), context)).toEqual(expected)
  })
})

describe('the default rules', () => {
  const verdict = (of: PushEvent, within: Partial<PushContext> = {}) => {
    const { notify, highlight, sound } = evaluatePush(defaultPushRules(me), of, { ...context, ...within })
    return [notify, highlight, sound]
  }
  const mention = (mentions: JsonObject) => event({ msgtype: 'm.text', body: 'x', 'm.mentions': mentions })

  it('notify of messages, and with a sound where there are two', () => {
    expect(verdict(text('hello'))).toEqual([true, false, undefined])
    expect(verdict(text('hello'), { joined: 2 })).toEqual([true, false, 'default'])
    expect(verdict(event({}, { type: 'm.room.encrypted' }))).toEqual([true, false, undefined])
  })

  it('highlight mentions', () => {
    expect(verdict(mention({ user_ids: [me] }))).toEqual([true, true, 'default'])
    expect(verdict(mention({ room: true }), { mayNotify: () => true })).toEqual([true, true, undefined])
    expect(verdict(mention({ room: true }))).toEqual([true, false, undefined])
  })

  it('ring for an invite to oneself, and are silent about other members', () => {
    const member = (membership: string, state_key: string) =>
      event({ membership }, { type: 'm.room.member', state_key })
    expect(verdict(member('invite', me))).toEqual([true, false, 'default'])
    expect(verdict(member('invite', '@x:y'))).toEqual([false, false, undefined])
  })

  it.each([
    event({ msgtype: 'm.notice', body: 'beep', 'm.mentions': { user_ids: [me] } }),
    event({}, { type: 'm.reaction' }),
    event({ msgtype: 'm.text', body: '* x', 'm.relates_to': { rel_type: 'm.replace' } }),
    event({ topic: 'x' }, { type: 'm.room.topic', state_key: '' }),
  ])('are silent about %j', (of) => expect(verdict(of)).toEqual([false, false, undefined]))

  it('highlight the end of a room, ring for calls, and are silent about access lists', () => {
    const state = (type: string, state_key = '') => event({ body: 'x' }, { type, state_key })
    expect(verdict(state('m.room.tombstone'))).toEqual([true, true, undefined])
    expect(verdict(state('m.room.tombstone', 'other'))).toEqual([false, false, undefined])
    expect(verdict(state('m.room.server_acl'))).toEqual([false, false, undefined])
    expect(verdict(event({}, { type: 'm.call.invite' }))).toEqual([true, false, 'ring'])
    expect(verdict(event({}, { type: 'm.room.encrypted' }), { joined: 2 })).toEqual([true, false, 'default'])
  })

  it.each([
    ['the localpart', 'hello me!', {}, [true, true, 'default']],
    ['the name', 'hello Mo (she*)!', {}, [true, true, 'default']],
    ['a part of a word', 'some home', {}, [true, false, undefined]],
    ['the room, from a sender who may', 'hello @room', { mayNotify: () => true }, [true, true, undefined]],
    ['the room, from others', 'hello @room', {}, [true, false, undefined]],
  ])('find %s in a text, unless the message lists its mentions', (_, body, within, expected) => {
    expect(verdict(text(body), within)).toEqual(expected)
    const says = event({ msgtype: 'm.text', body, 'm.mentions': {} })
    expect(verdict(says, within)).toEqual([true, false, undefined])
  })

  it('end with the master rule', () => {
    const rules = defaultPushRules(me)
    const override = (rules.override as JsonObject[]).map((rule) =>
      rule.rule_id === '.m.rule.master' ? { ...rule, enabled: true } : rule,
    )
    expect(evaluatePush({ ...rules, override }, text('x'), context).notify).toBe(false)
  })
})
