/** Mistakes in `src/protocol`: the rules of Matrix. */
import { client, inFile, type Mutant, unit } from '../mutant.ts'

export const PROTOCOL: readonly Mutant[] = [
  ...inFile('src/protocol/auth/power-levels.ts', unit('power-levels', 'event-auth'), [
    ['  users_default: 0,', '  users_default: 50,'],
    ['  events_default: 0,', '  events_default: 50,'],
    ['  state_default: 50,', '  state_default: 0,'],
    ['  ban: 50,', '  ban: 0,'],
    ['  kick: 50,', '  kick: 0,'],
    ['  redact: 50,', '  redact: 0,'],
    ['  invite: 0,', '  invite: 50,'],
    ['  notification: 50,', '  notification: 0,'],
    [
      "scalar(isState ? 'state_default' : 'events_default')",
      "scalar(isState ? 'events_default' : 'state_default')",
    ],
    ['Math.trunc(value)', 'Math.round(value)'],
    [
      'hasPowerLevels ? undefined : UNPRIVILEGED_CREATOR',
      'hasPowerLevels ? UNPRIVILEGED_CREATOR : undefined',
    ],
    ['return [sender, ...additional.filter', 'return [...additional.filter'],
  ]),
  ...inFile('src/protocol/json-schemas.ts', client('odd-keys'), [
    ['return keep(parsed, value.value)', 'return parsed'],
    ['parsed : keep(parsed, given.value)', 'parsed : parsed'],
    ['parsed.issues.push(...z.core.util.prefixIssues(PROTO, value.issues))', ''],
    ['parsed.value = input', 'void input'],
  ]),
  ...inFile('src/protocol/auth/event-auth.ts', unit('event-auth', 'event-auth-power-levels'), [
    ["rejectUnless(pdu.state_key !== undefined, 'auth_events cites", "rejectUnless(true, 'auth_events cites"],
    ['rejectUnless(!cited.has(pair),', 'rejectUnless(true,'],
    ['rejectUnless(selectable.has(pair),', 'rejectUnless(true,'],
    ['rejectUnless(pdu.room_id === event.room_id,', 'rejectUnless(true,'],
    ['rejectUnless(event.prev_events.length === 0,', 'rejectUnless(true,'],
    ['!rules.createHasCreator || content.creator !== undefined,', 'true,'],
    ['rejectUnless(event.room_id === roomId,', 'rejectUnless(true,'],
    [
      "create.pdu.content['m.federate'] !== false) return",
      "create.pdu.content['m.federate'] !== true) return",
    ],
    ["event.type !== 'm.room.member' || serverNameOf(event.state_key ?? '') === home,", 'true,'],
    ["rejectUnless(membershipIn(state, event.sender) === 'join',", 'rejectUnless(true,'],
    ['levels.user(event.sender) >= levels.invite,', 'levels.user(event.sender) > levels.invite,'],
    [
      'levels.event(type, stateKey !== undefined) <= levels.user(sender),',
      'levels.event(type, stateKey !== undefined) < levels.user(sender),',
    ],
    ['  checkStateKey(context)\n', ''],
    ["if (type === 'm.room.power_levels') checkPowerLevels(context)", ''],
  ]),
  ...inFile('src/protocol/auth/event-auth-member.ts', unit('event-auth-member', 'event-auth-join'), [
    [
      "rejectUnless(sender === target, 'nobody can join on behalf",
      "rejectUnless(true, 'nobody can join on behalf",
    ],
    ["rejectUnless(senderIs !== 'ban', 'the user is banned')", ''],
    [
      "if (admits === 'anyone' || senderIs === 'join' || senderIs === 'invite') return",
      "if (admits === 'anyone' || senderIs === 'join') return",
    ],
    ["rejectUnless(admits === 'vouched', 'the user is not invited')", ''],
    [
      'if (previous !== create.eventId || others.length > 0) return false',
      'if (previous !== create.eventId) return false',
    ],
    ['rejectUnless(levels.user(voucher) >= levels.invite,', 'rejectUnless(true,'],
    ["rejectUnless(targetIs !== 'join', 'the user is in the room already')", ''],
    ["rejectUnless(targetIs !== 'ban', 'the user is banned')", ''],
    [
      "senderIs === 'invite' || senderIs === 'join' || senderIs === 'knock'",
      "senderIs === 'invite' || senderIs === 'join'",
    ],
    ["rejectUnless(targetIs !== 'ban' || own >= levels.ban,", 'rejectUnless(true,'],
    ['rejectUnless(own >= levels.kick,', 'rejectUnless(own > levels.kick,'],
    ["rejectUnless(sender === target, 'nobody can knock", "rejectUnless(true, 'nobody can knock"],
    [
      "['knock', { join: 'invited', knock: true, flag: 'knock' }]",
      "['knock', { join: 'invited', knock: false, flag: 'knock' }]",
    ],
    [
      "['knock_restricted', { join: 'vouched', knock: true,",
      "['knock_restricted', { join: 'invited', knock: true,",
    ],
    [
      "content === undefined ? 'invite' : content.join_rule",
      "content === undefined ? 'public' : content.join_rule",
    ],
  ]),
  ...inFile('src/protocol/rooms/history-visibility.ts', unit('history-visibility'), [
    ["return isVisibility(value) ? value : 'shared'", "return isVisibility(value) ? value : 'joined'"],
    ["if (setting === 'shared') return joinedLater", "if (setting === 'shared') return true"],
    ["return setting === 'invited' && membership === 'invite'", "return membership === 'invite'"],
    ['visibilityAfter === undefined ? [visibility] : [visibility, visibilityAfter]', '[visibility]'],
    ['membershipAfter === undefined ? [membershipAt] : [membershipAt, membershipAfter]', '[membershipAt]'],
  ]),
  ...inFile('src/protocol/matching/glob.ts', unit('glob'), [
    ["wanted === '?' ||", ''],
    ['      resume += 1\n', ''],
    ["  while (pattern[p] === '*') p += 1\n", ''],
    ['return p === pattern.length', 'return true'],
  ]),
  ...inFile('src/protocol/events/redaction.ts', unit('redaction'), [
    [
      'const JOIN_RULES: Kept = { allow: true, join_rule: true }',
      'const JOIN_RULES: Kept = { join_rule: true }',
    ],
    ["['m.room.create', true],", "['m.room.create', { creator: true }],"],
    ["['m.room.redaction', { redacts: true }],", ''],
    ['third_party_invite: { signed: true }', 'third_party_invite: true'],
    ['{ ...POWER_LEVELS, invite: true }', 'POWER_LEVELS'],
    ["if (rules.aliasesRule) content.set('m.room.aliases', { aliases: true })", ''],
  ]),
]
