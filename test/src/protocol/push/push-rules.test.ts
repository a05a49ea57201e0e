/** The predefined push rules, against what the specification and MSC3930 list. */
import { expect, test } from 'vitest'
import { defaultPushRules, ignoresMemberEvents } from '../../../../src/protocol/push/push-rules.ts'

interface Rule {
  rule_id: string
  default: boolean
  enabled: boolean
  conditions: Record<string, unknown>[]
  actions: unknown[]
}

const USER = '@alice:example.com'
const rules = defaultPushRules(USER) as unknown as Record<string, Rule[]>
const all = Object.values(rules).flat()
const ruleOf = (id: string) => all.find((rule) => rule.rule_id === id)

const SOUND = { set_tweak: 'sound', value: 'default' }
const HIGHLIGHT = { set_tweak: 'highlight' }

test('lists the rules of each kind in the order of the specification', () => {
  const ids = Object.fromEntries(
    Object.entries(rules).map(([kind, list]) => [kind, list.map((r) => r.rule_id)]),
  )
  expect(ids).toEqual({
    override: [
      '.m.rule.master',
      '.org.matrix.msc4028.encrypted_event',
      '.m.rule.suppress_notices',
      '.m.rule.invite_for_me',
      '.m.rule.member_event',
      '.m.rule.is_user_mention',
      '.m.rule.contains_display_name',
      '.m.rule.is_room_mention',
      '.m.rule.roomnotif',
      '.m.rule.tombstone',
      '.m.rule.reaction',
      '.m.rule.room.server_acl',
      '.org.matrix.msc3930.rule.poll_response',
      '.m.rule.suppress_edits',
    ],
    content: ['.m.rule.contains_user_name'],
    room: [],
    sender: [],
    underride: [
      '.m.rule.call',
      '.m.rule.encrypted_room_one_to_one',
      '.m.rule.room_one_to_one',
      '.m.rule.message',
      '.m.rule.encrypted',
      '.org.matrix.msc3930.rule.poll_start_one_to_one',
      '.org.matrix.msc3930.rule.poll_start',
      '.org.matrix.msc3930.rule.poll_end_one_to_one',
      '.org.matrix.msc3930.rule.poll_end',
    ],
  })
})

test('every rule is a default one, and only master and MSC4028’s are off', () => {
  expect(all.every((rule) => rule.default)).toBe(true)
  expect(all.filter((rule) => !rule.enabled).map((rule) => rule.rule_id)).toEqual([
    '.m.rule.master',
    '.org.matrix.msc4028.encrypted_event',
  ])
  expect(ruleOf('.m.rule.master')?.conditions).toEqual([])
})

test.each([
  ['.m.rule.invite_for_me', ['notify', SOUND]],
  ['.m.rule.is_user_mention', ['notify', SOUND, HIGHLIGHT]],
  ['.m.rule.contains_display_name', ['notify', SOUND, HIGHLIGHT]],
  ['.m.rule.contains_user_name', ['notify', SOUND, HIGHLIGHT]],
  ['.m.rule.is_room_mention', ['notify', HIGHLIGHT]],
  ['.m.rule.roomnotif', ['notify', HIGHLIGHT]],
  ['.m.rule.tombstone', ['notify', HIGHLIGHT]],
  ['.m.rule.call', ['notify', { set_tweak: 'sound', value: 'ring' }]],
  ['.m.rule.encrypted_room_one_to_one', ['notify', SOUND]],
  ['.m.rule.room_one_to_one', ['notify', SOUND]],
  ['.m.rule.message', ['notify']],
  ['.m.rule.encrypted', ['notify']],
  ['.org.matrix.msc3930.rule.poll_start_one_to_one', ['notify', SOUND]],
  ['.org.matrix.msc3930.rule.poll_start', ['notify']],
  ['.org.matrix.msc3930.rule.poll_end_one_to_one', ['notify', SOUND]],
  ['.org.matrix.msc3930.rule.poll_end', ['notify']],
])('%s does %j', (id, actions) => {
  expect(ruleOf(id)?.actions).toEqual(actions)
})

test('the other rules suppress', () => {
  const quiet = all.filter((rule) => rule.actions.length === 0).map((rule) => rule.rule_id)
  expect(quiet).toEqual([
    '.m.rule.master',
    '.m.rule.suppress_notices',
    '.m.rule.member_event',
    '.m.rule.reaction',
    '.m.rule.room.server_acl',
    '.org.matrix.msc3930.rule.poll_response',
    '.m.rule.suppress_edits',
  ])
})

test('names the user where the rules speak of them', () => {
  expect(ruleOf('.m.rule.invite_for_me')?.conditions).toContainEqual({
    kind: 'event_match',
    key: 'state_key',
    pattern: USER,
  })
  expect(ruleOf('.m.rule.is_user_mention')?.conditions).toEqual([
    { kind: 'event_property_contains', key: 'content.m\\.mentions.user_ids', value: USER },
  ])
  expect(ruleOf('.m.rule.contains_user_name')).toMatchObject({ pattern: 'alice' })
})

test('asks for the power to notify the room, and escapes dots in names', () => {
  expect(ruleOf('.m.rule.is_room_mention')?.conditions).toEqual([
    { kind: 'event_property_is', key: 'content.m\\.mentions.room', value: true },
    { kind: 'sender_notification_permission', key: 'room' },
  ])
  expect(ruleOf('.m.rule.suppress_edits')?.conditions).toEqual([
    { kind: 'event_property_is', key: 'content.m\\.relates_to.rel_type', value: 'm.replace' },
  ])
})

const override = (change: (list: Rule[]) => Rule[]) => ({
  ...defaultPushRules(USER),
  override: change(structuredClone(rules.override ?? [])) as never,
})
const changed = (id: string, change: Partial<Rule>) =>
  override((list) => list.map((rule) => (rule.rule_id === id ? { ...rule, ...change } : rule)))
const own: Rule = { rule_id: 'joins', default: false, enabled: true, conditions: [], actions: ['notify'] }

test.each([
  ['by the predefined rules', defaultPushRules(USER), true],
  ['where the rule that silences them is off', changed('.m.rule.member_event', { enabled: false }), false],
  ['where that rule notifies', changed('.m.rule.member_event', { actions: ['notify'] }), false],
  ['where a rule of the user comes first', override((list) => [own, ...list]), false],
  ['where such a rule is off', override((list) => [{ ...own, enabled: false }, ...list]), true],
  ['where a rule of the user comes after it', override((list) => [...list, own]), true],
  ['where there are no rules', { override: [] }, false],
])('says whether member events of others can notify, %s', (_, ruleset, ignores) => {
  expect(ignoresMemberEvents(ruleset)).toBe(ignores)
})
