/** Mistakes in what is unread: counts, rules, pushes and badges. */
import { client, inFile, type Mutant, unit } from '../mutant.ts'

export const PUSH: readonly Mutant[] = [
  ...inFile('durable-objects/user/push/badges.ts', client('badges', 'counts-agree'), [
    [
      'ON CONFLICT (room_id) DO UPDATE SET stale = 1`',
      'ON CONFLICT (room_id) DO NOTHING`',
      { title: 'a room is read in part' },
    ],
    [
      "    this.#parts.sql.exec('DELETE FROM push_badges WHERE room_id = ?', roomId)\n",
      '',
      { title: 'a room is left' },
    ],
    [
      '      for (const roomId of joinedRooms()) this.touch(roomId)\n',
      '',
      { title: 'muted and counted for nothing' },
    ],
    [
      'for (const roomId of unreached)',
      'for (const roomId of unreached.slice(1))',
      { title: 'did not answer' },
    ],
    ['      await before\n', '', { title: 'a refused one' }],
  ]),
  ...inFile('durable-objects/user/push/push-queue.ts', client('badges', 'gateways'), [
    [
      'told === null ? unread > 0 : unread < told',
      'told === null || unread < told',
      { title: 'was told nothing yet|was redacted meanwhile' },
    ],
    [
      'told === null ? unread > 0 : unread < told',
      'told === null ? unread > 0 : unread <= told',
      { title: 'if it has not fallen' },
    ],
    ['if (rejected.includes(row.pushkey)) refused(row.app_id, row.pushkey)', '', { title: 'a refused one' }],
    ['2 ** Math.min(failures, 20)', '1', { title: 'that fails is asked again after' }],
    ['    dropQueuedBefore(sql, now() - GIVEN_UP_MS)\n', '', { title: 'the newest 200' }],
    ['    dropQueuedBeyond(this.#parts.sql, KEPT)\n', '', { title: 'the newest 200' }],
  ]),
  ...inFile('durable-objects/user/push/queue-rows.ts', client('badges', 'gateways'), [
    [
      "  sql.exec('DELETE FROM push_told WHERE app_id = ? AND pushkey = ?', app_id, pushkey)\n",
      '',
      { title: 'a refused one' },
    ],
    [
      'WHERE coalesce(r.retry_at, 0) <= ? GROUP BY',
      'WHERE coalesce(r.retry_at, 0) >= 0 * ? GROUP BY',
      { title: 'that fails is asked again after' },
    ],
    ["`notification != '' AND ${clause}`", '`1 = 0 AND ${clause}`', { title: 'was redacted meanwhile' }],
  ]),
  ...inFile('durable-objects/user/push/pushes.ts', client('badges', 'gateways', 'pushing'), [
    ['if (mayFall) this.#queue.addBadge()', '', { title: 'a message is redacted' }],
    ["    this.#queue.takeBack('room_id', [roomId])\n", '', { title: 'a room that was left since' }],
    ["    this.#queue.takeBack('sender', ignoredUsers(sql, userId()))\n", '', { title: 'ignored since' }],
    ["      this.#queue.takeBack('event_id', taken)\n", '', { title: 'was redacted meanwhile' }],
    ['    this.countAnew()\n', '', { title: 'a room is muted' }],
    ['if (isShown) this.#queue.add', 'this.#queue.add', { title: 'whose invites are ignored is not told' }],
  ]),
  ...inFile(
    'durable-objects/user/sync/unread.ts',
    ['test/durable-objects/user/unread-counts.test.ts'],
    [['increment.from > known.upTo || ', '']],
  ),
  ...inFile('durable-objects/user/sync/unread.ts', client('unread'), [
    [
      'to <= known.upTo) return\n',
      'to < known.upTo) return\n',
      { equal: 'an increment that ends where the counts end holds nothing new' },
    ],
    ['      if (pos <= known.upTo) continue\n', ''],
    ['events = events.filter((unread) => unread.thread !== thread)', 'events = UnreadList.of([])'],
    ['threadId !== undefined && thread !== threadId', 'threadId === thread'],
    ['ignored.has(event.sender) || redacted.includes(pos)', 'redacted.includes(pos)'],
    ['(push?.levels[event.sender] ?? 0) >=', '(push?.levels[event.sender] ?? 0) >'],
  ]),
  ...inFile('durable-objects/room/read/unread.ts', client('unread'), [
    ['const floor = Math.max(read.room, member.sincePos)', 'const floor = read.room'],
    ['ignored.has(row.sender) || pdu.unsigned?.redacted_because !== undefined', 'ignored.has(row.sender)'],
    ['answered.set(thread, row.pos)', 'answered.set(MAIN_THREAD, row.pos)'],
    ['read.threads.get(thread) ?? 0, answered', '0, answered'],
  ]),
  ...inFile('durable-objects/room/tell/push-news.ts', client('badges', 'pushing', 'gateways'), [
    [
      '          commit(room, (change) => notePushRead(change, userId))\n',
      '',
      { title: 'is sent again if it was lost' },
    ],
    ['if (hasRead === 0 && !spoke) return', 'if (hasRead === 0) return', { title: 'the user speaks' }],
    [
      '        commit(room, (change) => setPushMember(change, userId, false))\n',
      '',
      { title: 'while a user is away' },
    ],
  ]),
  ...inFile('durable-objects/room/rows/tell/push-members.ts', client('pushing'), [
    ['SET pos = ?, has_read = 0', 'SET pos = ?', { title: 'number on the device' }],
  ]),
  ...inFile('src/protocol/push/push-rule-edits.ts', client('push-rules'), [
    ['?.enabled ?? true,\n    ...matcherOf', ' && true,\n    ...matcherOf'],
    [
      'if (old !== -1 && place.before === undefined && place.after === undefined) return rules.with(old, rule)\n',
      '',
    ],
    ['[...master, ...kept.filter(', '[...kept.filter('],
    ['if (neighbour === undefined) return 0', 'if (neighbour === undefined) return rules.length'],
    ['  checkRulesetSize(changed)\n', ''],
    ["if ('actions' in change) checkRuleSize({ ...rule, ...checked })", ''],
    [
      'enabled: own.enabled ?? true, actions: own.actions ?? rule.actions ?? []',
      'actions: own.actions ?? rule.actions ?? []',
    ],
    ['before === undefined ? index + 1 : index', 'index'],
  ]),
  ...inFile('src/protocol/matching/match-work.ts', unit('match-work', 'push-work'), [
    ['return this.#spent >= this.#limit', 'return false'],
    ['return this.step(1 + Math.floor(characters / NATIVE_SPEED))', 'return this.step(1)'],
    ['    this.#spent += one.spent\n', ''],
  ]),
  ...inFile('src/protocol/push/push-evaluator.ts', unit('push-evaluator'), [
    ['RULES_BEFORE_MENTIONS.has(rule.rule_id) ? [saysNoMentions] : []', 'false ? [saysNoMentions] : []'],
  ]),
  ...inFile('src/protocol/push/push-conditions.ts', unit('push-evaluator', 'push-work'), [
    ['!Object.hasOwn(within, name)', '!(name in within)'],
    ['if (isPatternTooLong(key)) return () => undefined\n', ''],
    ['work.search(list.length) && ', ''],
  ]),
]
