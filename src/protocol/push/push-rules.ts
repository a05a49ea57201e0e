/** Client-Server API §Predefined Rules: the push rules every user starts with, as data. */
import type { JsonObject, JsonValue } from '../events/canonical-json.ts'
import { localpartOf } from '../identifiers.ts'
import { objectField, stringField } from '../json-fields.ts'

const SOUND: JsonObject = Object.freeze({ set_tweak: 'sound', value: 'default' })
const RING: JsonObject = Object.freeze({ set_tweak: 'sound', value: 'ring' })
const HIGHLIGHT: JsonObject = Object.freeze({ set_tweak: 'highlight' })
const LOUD: JsonValue[] = ['notify', SOUND, HIGHLIGHT]
const TWO_MEMBERS: JsonObject = Object.freeze({ kind: 'room_member_count', is: '2' })
const MAY_NOTIFY_ROOM: JsonObject = Object.freeze({ kind: 'sender_notification_permission', key: 'room' })

/** The server-default rules for a user, by kind and in order of priority: the value of `global`. */
export function defaultPushRules(userId: string): JsonObject {
  return {
    override: overrideRules(userId),
    content: [contentRule('.m.rule.contains_user_name', localpartOf(userId), LOUD)],
    room: [],
    sender: [],
    underride: underrideRules(),
  }
}

/**
 * Rules that look for names in texts. Version 1.17 removed them; other servers still have them for messages that do
 * not name their mentions, such as those of older clients and of bridges.
 */
export const RULES_BEFORE_MENTIONS: ReadonlySet<unknown> = new Set([
  '.m.rule.contains_display_name',
  '.m.rule.roomnotif',
  '.m.rule.contains_user_name',
])

/**
 * Whether no rule lets a member event of another user notify: the predefined rule that silences them stands before all
 * others but predefined ones, which are about other events.
 */
export function ignoresMemberEvents(ruleset: JsonObject): boolean {
  const override = Array.isArray(ruleset.override) ? ruleset.override.map(objectField) : []
  const silencer = override.findIndex((one) => one?.rule_id === '.m.rule.member_event')
  if (override[silencer]?.enabled !== true) return false
  if ((override[silencer]?.actions as JsonValue[] | undefined)?.length !== 0) return false
  return override
    .slice(0, silencer)
    .every((one) => one?.enabled === false || HARMLESS.has(stringField(one?.rule_id) ?? ''))
}

/** Predefined rules that match no member event, or silence it, or match only the user's own. */
const HARMLESS: ReadonlySet<string> = new Set([
  '.m.rule.master',
  '.org.matrix.msc4028.encrypted_event',
  '.m.rule.suppress_notices',
  '.m.rule.invite_for_me',
])

function overrideRules(userId: string): JsonObject[] {
  return [
    { ...rule('.m.rule.master', [], []), enabled: false },
    // MSC4028: for clients that decrypt before they decide; off until they ask for it.
    {
      ...rule('.org.matrix.msc4028.encrypted_event', [matches('type', 'm.room.encrypted')], ['notify']),
      enabled: false,
    },
    rule('.m.rule.suppress_notices', [matches('content.msgtype', 'm.notice')], []),
    rule(
      '.m.rule.invite_for_me',
      [
        matches('type', 'm.room.member'),
        matches('content.membership', 'invite'),
        matches('state_key', userId),
      ],
      ['notify', SOUND],
    ),
    rule('.m.rule.member_event', [matches('type', 'm.room.member')], []),
    rule(
      '.m.rule.is_user_mention',
      [{ kind: 'event_property_contains', key: 'content.m\\.mentions.user_ids', value: userId }],
      LOUD,
    ),
    rule('.m.rule.contains_display_name', [{ kind: 'contains_display_name' }], LOUD),
    rule(
      '.m.rule.is_room_mention',
      [{ kind: 'event_property_is', key: 'content.m\\.mentions.room', value: true }, MAY_NOTIFY_ROOM],
      ['notify', HIGHLIGHT],
    ),
    rule('.m.rule.roomnotif', [MAY_NOTIFY_ROOM, matches('content.body', '@room')], ['notify', HIGHLIGHT]),
    rule(
      '.m.rule.tombstone',
      [matches('type', 'm.room.tombstone'), matches('state_key', '')],
      ['notify', HIGHLIGHT],
    ),
    rule('.m.rule.reaction', [matches('type', 'm.reaction')], []),
    rule('.m.rule.room.server_acl', [matches('type', 'm.room.server_acl'), matches('state_key', '')], []),
    // MSC3930 places this one here; its id and type are unstable, since polls never entered the specification.
    rule('.org.matrix.msc3930.rule.poll_response', [matches('type', 'org.matrix.msc3381.poll.response')], []),
    rule(
      '.m.rule.suppress_edits',
      [{ kind: 'event_property_is', key: 'content.m\\.relates_to.rel_type', value: 'm.replace' }],
      [],
    ),
  ]
}

function underrideRules(): JsonObject[] {
  const pollStart = matches('type', 'org.matrix.msc3381.poll.start')
  const pollEnd = matches('type', 'org.matrix.msc3381.poll.end')
  return [
    rule('.m.rule.call', [matches('type', 'm.call.invite')], ['notify', RING]),
    rule(
      '.m.rule.encrypted_room_one_to_one',
      [TWO_MEMBERS, matches('type', 'm.room.encrypted')],
      ['notify', SOUND],
    ),
    rule('.m.rule.room_one_to_one', [TWO_MEMBERS, matches('type', 'm.room.message')], ['notify', SOUND]),
    rule('.m.rule.message', [matches('type', 'm.room.message')], ['notify']),
    rule('.m.rule.encrypted', [matches('type', 'm.room.encrypted')], ['notify']),
    rule('.org.matrix.msc3930.rule.poll_start_one_to_one', [TWO_MEMBERS, pollStart], ['notify', SOUND]),
    rule('.org.matrix.msc3930.rule.poll_start', [pollStart], ['notify']),
    rule('.org.matrix.msc3930.rule.poll_end_one_to_one', [TWO_MEMBERS, pollEnd], ['notify', SOUND]),
    rule('.org.matrix.msc3930.rule.poll_end', [pollEnd], ['notify']),
  ]
}

function rule(ruleId: string, conditions: JsonObject[], actions: JsonValue[]): JsonObject {
  return { rule_id: ruleId, default: true, enabled: true, conditions, actions }
}

function contentRule(ruleId: string, pattern: string, actions: JsonValue[]): JsonObject {
  return { rule_id: ruleId, default: true, enabled: true, pattern, actions }
}

function matches(key: string, pattern: string): JsonObject {
  return { kind: 'event_match', key, pattern }
}
