/** Mistakes in the Room object. */
import { client, inFile, type Mutant } from '../mutant.ts'

export const ROOM: readonly Mutant[] = [
  ...inFile(
    'durable-objects/room/rows/recall.ts',
    ['test/durable-objects/room/rows/recall.test.ts'],
    [
      ['      this.#mutations -= 1\n      this.forget()', '      this.#mutations -= 1'],
      ['if (this.#mutations > 0) return read()', ''],
      ['if (this.#mutations > 0) return make(row)', ''],
      ['if (this.#length > MOST_LENGTH) this.forget()', ''],
      ['this.#mutations > 0 ? undefined : ', ''],
    ],
  ),
  ...inFile('durable-objects/room/rows/store.ts', client('first-syncs-together'), [
    ['this.recall.mutating(() => this.storage.transactionSync(work))', 'this.storage.transactionSync(work)'],
  ]),
  ...inFile('durable-objects/room/read/reading.ts', client('first-syncs-together'), [
    ['recall.viewOf(made, membership, ', "recall.viewOf(made, 'bare', "],
  ]),
  ...inFile('durable-objects/room/write/membership.ts', client('membership', 'rights'), [
    ["if (action === 'leave' && current === 'leave') return undefined\n", ''],
    ["    needs: { memberships: ['join', 'invite', 'knock'], error: notInRoom },\n", ''],
    ["      memberships: ['ban'],", "      memberships: ['ban', 'leave'],"],
    ['if (request.reason !== undefined) content.reason = request.reason', ''],
  ]),
  ...inFile('durable-objects/room/rows/members/receipts.ts', client('receipts', 'unread'), [
    ['  requireJoined(room.store, userId)\n', ''],
    ['old.event_pos >= receipt.eventPos) return false', 'old.event_pos > receipt.eventPos) return false'],
    ["audience = type === PUBLIC ? 'all' : 'own'", "audience = 'all'"],
    [
      'WHERE r.user_id = ? AND r.receipt_type != ? AND r.pos',
      'WHERE (r.user_id = ? OR 1 = 1) AND r.receipt_type != ? AND r.pos',
    ],
    ['if (threadId === undefined || threadId === event.event_id) return', 'return'],
    ['if (hasThread(store.sql, threadId) && relatesTo(', 'if (relatesTo('],
    [
      "putLog(store.sql, { kind: 'receipt', ...placed })",
      "putLog(store.sql, { kind: 'receipt', ...placed, eventPos: 0 })",
    ],
  ]),
  ...inFile('durable-objects/room/write/redact.ts', client('redact'), [
    ['  removeRelation(store.sql, original, row.pos)\n', ''],
    ["  appendLog(room, { kind: 'redacted', pos: 0, eventId: row.event_id, pdu: json })\n", ''],
    ['if (asAdministrator && room.isLocal(event.sender)) return', ''],
  ]),
  ...inFile(
    'durable-objects/room/write/redact.ts',
    ['test/faults/sync-rules.test.ts'],
    [['  room.rewritten = true\n', '']],
    'a late wake',
  ),
  ...inFile(
    'durable-objects/room/tell/log-batch.ts',
    ['test/durable-objects/room/rebuild.test.ts'],
    [
      ['    txn: row.txn,', '    txn: null,'],
      ["membership: row.type === 'm.room.member' ? row.value : null,", 'membership: null,'],
    ],
  ),
  ...inFile(
    'durable-objects/room/rows/tell/log.ts',
    ['test/durable-objects/room/federation/archived-forks.test.ts'],
    [['current: row.from_pos !== null,', 'current: true,']],
  ),
  ...inFile(
    'durable-objects/room/write/rebuild/replay.ts',
    ['test/durable-objects/room/federation/archived-forks.test.ts'],
    [
      ['told !== undefined && pos <= told.upTo ? told.extremities : ', ''],
      ['        step.pdu = await this.#reader.event(step.move.eventId)\n', '        continue\n'],
    ],
  ),
  ...inFile(
    'durable-objects/room/write/rebuild/rebuild.ts',
    ['test/durable-objects/room/rebuild.test.ts'],
    [
      ['for (const receipt of receipts) restoreReceipt(store, receipt)', ''],
      ['for (const body of delayed) restoreDelayed(room, body)', ''],
      ['for (const { userId, pos } of erased) restoreErased(room, userId, pos)', ''],
      ['Math.max(reserved, archivedPos) + GAP', 'Math.max(reserved, archivedPos)'],
    ],
  ),
  ...inFile(
    'durable-objects/timers.ts',
    ['test/durable-objects/backoff.test.ts', 'test/durable-objects/timers.test.ts'],
    [
      ['    if (next !== undefined) this.#wish(one, next)\n', ''],
      ['        this.#inherited = at\n', ''],
      ['      one.failures += 1\n', ''],
      ['Math.max(at, one.restsUntil)', 'at'],
    ],
  ),
  ...inFile(
    'durable-objects/consumer.ts',
    ['test/durable-objects/consumer.test.ts'],
    [
      ['    this.#outlet.acknowledge?.(item, taken)\n', ''],
      ['if (failures.length > 0) throw failures[0]', ''],
      [
        '      this.#next ??= this.#flushAfter(this.#flight)\n      return this.#next',
        '      return this.#flight',
      ],
      ['if (this.#outlet.batchPerRun === true) return true', ''],
      ['if (!more()) return false', 'return false'],
      ['this.#outlet.atOnce ?? items.length', 'items.length'],
      ["{ now, quiet, soon }[consumer.when ?? 'soon']", 'soon'],
      ['consumer.quietMs?.(change) ?? QUIET_MS', 'QUIET_MS'],
      ['    consumer.begin?.()\n', ''],
    ],
  ),
  ...inFile(
    'durable-objects/room/tell/member-feed.ts',
    ['test/faults/membership-call.test.ts'],
    [
      ['      this.#parts.arm(this.#parts.now() + RETRY_MS)\n      return false', '      return true'],
      [
        '    if (this.#running.get(userId) === run) this.#running.delete(userId)\n',
        '',
        { equal: 'one promise a user is kept for nothing' },
      ],
    ],
  ),
  ...inFile('durable-objects/room/write/delayed-events.ts', client('delayed-events'), [
    ['  checkCount(sql, request.sender, content.length)\n', ''],
    ['if (known !== undefined) return { delayId', 'if (known === null) return { delayId'],
    ['userId !== undefined && userId !== row.sender', 'false'],
    ['if (barred !== undefined) throw barred\n', ''],
    ["outcome === OUTCOME[action] && reason !== 'error'", 'outcome === OUTCOME[action]'],
  ]),
  ...inFile('durable-objects/room/rows/events/delayed-store.ts', client('delayed-events'), [
    [
      'sql.exec(query, now, now + row.delay_ms, row.delay_id)',
      'sql.exec(query, now, row.send_at, row.delay_id)',
    ],
  ]),
  ...inFile('durable-objects/room/rows/members/typing.ts', client('typing'), [
    ['Math.min(timeoutMs, MAX_TIMEOUT_MS)', 'timeoutMs'],
    ['if (wasTyping) this.#keep(true)', ''],
    ['if (overdue.length > 0) this.#keep(true)', ''],
  ]),
  ...inFile('durable-objects/room/rows/members/device-marks.ts', client('device-lists', 'key-changes'), [
    ["IN ('leave', 'ban', 'invite', 'knock') AND since_pos", "IN ('leave') AND since_pos"],
    ['AND (to_pos IS NULL OR to_pos > ?)\n', 'AND (to_pos IS NULL OR ? > 0)\n'],
    [
      "d.pos <= ? AND m.membership = 'join'`",
      'd.pos <= ?`',
      { equal: 'a member who left is among the left, which come last' },
    ],
  ]),
  ...inFile('durable-objects/room/read/budget.ts', client('large-rooms'), [
    ['const fits = !this.#used || length <= this.#left', 'const fits = length <= this.#left'],
    ['    this.#left -= length\n', ''],
    ['if (stored * GROWTH <= length) return rows.map(show)', 'return rows.map(show)'],
  ]),
  ...inFile(
    'durable-objects/room/write/vouching.ts',
    client('restricted-joins', 'rights'),
    [
      ['{ join_authorised_via_users_server: _, ...own } = content', 'own = content'],
      ['serverName, named.size + 1)', 'serverName, 1)'],
      ['levels.user(userId) >= levels.invite && isJoined(userId)', 'levels.user(userId) >= levels.invite'],
    ],
    'restricted',
  ),
  ...inFile('durable-objects/room/rows/members/members.ts', client('restricted-joins', 'rights'), [
    [
      "AND substr(user_id, instr(user_id, ':') + 1) = ? LIMIT ?`",
      "AND '' <> ? LIMIT ?`",
      { equal: 'nobody of another server can be in a room yet' },
    ],
  ]),
  ...inFile('durable-objects/room/tell/shown-in-lists.ts', client('own-writes', 'room-directory'), [
    ["new Set(['join', 'leave', 'ban'])", "new Set(['join'])"],
    ['CLOSING.has(type) || ', ''],
    ['if (listsChanged) return true\n', ''],
  ]),
  ...inFile('durable-objects/room/tell/presence.ts', client('presence-idle'), [
    [
      "?.state.presence !== 'unavailable') return",
      '?.state.presence !== undefined) return',
      { title: 'idle too' },
    ],
  ]),
  ...inFile('durable-objects/room/tell/presence.ts', client('presence-sums'), [
    ["    if (change === 'older') return\n", '', { title: 'not told to newcomers' }],
    ['(known.found && !isNewcomer)', 'false', { title: 'evicted Room' }],
    ['isNewcomer: true', 'isNewcomer: false', { title: 'evicted Room' }],
    ['const after = { ...before, told: this.#newest }', 'const after = before', { title: 'evicted Room' }],
    ['this.#hearers.set(userId, before)\n', '{}\n', { title: 'could not be told' }],
    ['everyMs: EVERY_MS', 'everyMs: 0', { title: 'a membership' }],
  ]),
]
