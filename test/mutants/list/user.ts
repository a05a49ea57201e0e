/** Mistakes in the User object: what changes or ends must be so in the archive too. */
import { client, inFile, type Mutant } from '../mutant.ts'

export const USER: readonly Mutant[] = [
  ...inFile('durable-objects/user/account/devices.ts', client('devices', 'session', 'account'), [
    ['archive: [archivedDevice({ ...device, display_name: displayName })]', 'archive: []'],
    [
      'const others = allDevices(sql).filter(({ device_id }) => device_id !== own)',
      'const others: DeviceRow[] = []',
    ],
    [
      'known === undefined ? (request.displayName ?? null) : known.display_name',
      '(request.displayName ?? null)',
    ],
    [
      'created_ts: known?.created_ts ?? now,',
      'created_ts: now,',
      { equal: 'nobody is shown when a device was made' },
    ],
    ['archive: devices.map(({ device_id }) => ({', 'archive: devices.slice(1).map(({ device_id }) => ({'],
  ]),
  ...inFile('durable-objects/user/account/devices.ts', client('session-copies'), [
    [
      'revoked: known === undefined ? displaced.revoked : endedBy(known, goesOn),',
      'revoked: displaced.revoked,',
    ],
    ['    revoked: devices.flatMap(sessionsOf),', '    revoked: [],'],
  ]),
  ...inFile('durable-objects/user/account/account.ts', client('session-copies'), [
    [
      'const revoked = archive.length === 0 ? [] : devices.liveSessions(this.#sql)',
      'const revoked: string[] = []',
    ],
  ]),
  ...inFile('durable-objects/user/account/refresh.ts', client('session-copies'), [
    ['revoked: superseded === null ? [] : [superseded],', 'revoked: [],'],
  ]),
  ...inFile('durable-objects/user/account/refresh.ts', client('refresh'), [
    ['    archive: [archivedDevice(renewed)],', '    archive: [],'],
    ['return archivedDevice({ ...device, confirmed: 1 })', 'return archivedDevice(device)'],
    ['    confirmed: 0,', '    confirmed: 1,'],
    ['  removeDevice(sql, device.device_id)\n', ''],
  ]),
  ...inFile('durable-objects/user/account/profile.ts', client('profile'), [
    ["return [{ kind: 'profile', key, body }]", 'return []'],
    ["const wanted = value === '' ? undefined : value", 'const wanted = value'],
    ['  checkProfileKey(key)\n', ''],
    ['    checkProfileSize({ ...fields, [key]: wanted! })\n', ''],
  ]),
  ...inFile('durable-objects/user/settings/filters.ts', client('filters'), [
    ["archive: [{ kind: 'filter', key: filterId, body: text }]", 'archive: []'],
    [
      "if (text === undefined) throw new MatrixError('M_NOT_FOUND', 'No such filter')",
      'if (text === undefined) return {}',
    ],
  ]),
  ...inFile('durable-objects/user/settings/tags.ts', client('room-life'), [
    [
      'if (value === null) return known === undefined ? undefined : { tags: others }',
      'if (value === null) return { tags: {} }',
    ],
  ]),
  ...inFile('durable-objects/user/push/pushers.ts', client('pushers'), [
    ["return [{ kind: 'pusher', key: pusherKey(row), body: JSON.stringify(row) }]", 'return []'],
    ["return rows.map((row) => ({ kind: 'pusher', key: pusherKey(row), body: null }))", 'return []'],
    ['  for (const row of rows) dropQueuedFor(sql, row)\n', ''],
  ]),
  ...inFile(
    'durable-objects/user/push/pushers.ts',
    client('pushing'),
    [['  checkCount(sql, pusher)\n', '']],
    'is one of fifty at most',
  ),
  ...inFile(
    'durable-objects/user/account/rooms-made.ts',
    ['test/workers/quotas.test.ts'],
    [['  if (counted.includes(making)) return\n', '']],
  ),
  ...inFile('durable-objects/user/account/closing.ts', client('deactivation'), [
    ['const profile = erase ? clearProfile(sql) : []', 'const profile: never[] = []'],
    ['const belongings = [...dropAccountData(sql), ', 'const belongings = ['],
    ['...dropCrossSigning(sql), ', ''],
    ['...dropBackups(sql)', ''],
  ]),
  ...inFile('durable-objects/user/settings/account-data.ts', client('deactivation'), [
    ['key: keyOf(row), body: null }', 'key: String(keyOf(row).length), body: null }'],
  ]),
  ...inFile('durable-objects/user/account/closing.ts', client('closing'), [
    [
      "const PRESENT: ReadonlySet<string> = new Set(['join', 'invite', 'knock'])",
      "const PRESENT: ReadonlySet<string> = new Set(['join', 'invite'])",
    ],
  ]),
  ...inFile(
    'durable-objects/user/keys/key-backup.ts',
    ['test/durable-objects/user/rebuild.test.ts'],
    [
      [
        'return { value: undefined, archive: [archivedVersion(sql, row.version)] }',
        'return { value: undefined, archive: [] }',
        { title: 'has the backup of room keys' },
      ],
    ],
  ),
  ...inFile(
    'durable-objects/user/keys/key-backup.ts',
    ['test/workers/client/keys/large-backups.test.ts'],
    [
      [
        'const rest = versionWithRest(sql)',
        'const rest = undefined',
        { title: 'goes with the next version' },
      ],
      ['more: gone.length === most', 'more: false'],
      ['bytes: -bytes', 'bytes: 0', { title: 'loses the keys' }],
    ],
  ),
  ...inFile('durable-objects/user/keys/key-backup.ts', client('room-keys'), [
    [
      'return { value, archive: [archivedVersion(sql, row.version), ...archive] }',
      'return { value, archive }',
    ],
    [
      'const value = { etag: String(row.etag + 1), count: row.key_count + added.keys }',
      'const value = { etag: String(row.etag), count: row.key_count + added.keys }',
    ],
  ]),
  ...inFile(
    'durable-objects/user/rebuild.ts',
    ['test/durable-objects/user/rebuild.test.ts'],
    [
      ['for (const [name, last] of series) if (last !== undefined) writeMeta(sql, name, last)', ''],
      ['forgotten: room.forgotten ? 1 : 0,', 'forgotten: 0,'],
      ["  standing: (sql, { body }) => writeMeta(sql, 'standing', body),\n", ''],
      ["  writeMeta(sql, 'first_epoch', base)\n", ''],
    ],
  ),
  ...inFile(
    'durable-objects/user/rebuild.ts',
    ['test/durable-objects/user/rebuilt-removals.test.ts'],
    [
      ['was: room.standing?.was ?? null,', 'was: null,'],
      ['by_other: room.standing?.byOther ? 1 : 0,', 'by_other: 1,'],
    ],
  ),
  ...inFile(
    'durable-objects/user/standing.ts',
    ['test/durable-objects/user/rebuilt-removals.test.ts'],
    [
      ['  if (known?.membership === membership) return known\n', ''],
      ["return wasRemoved && membership === 'ban' ? 'join' : ", 'return '],
    ],
  ),
  ...inFile(
    'durable-objects/user/archived-removals.ts',
    ['test/durable-objects/user/archived-removals.test.ts'],
    [
      ['const STEPS = 20', 'const STEPS = 19'],
      ['gone.slice(at, at + ROOMS)', 'gone.slice(at)'],
    ],
  ),
  ...inFile(
    'durable-objects/user/archived-removals.ts',
    ['test/durable-objects/user/rebuilt-removals.test.ts'],
    [['byOther: sender !== userId', 'byOther: true']],
  ),
  ...inFile('durable-objects/user/to-device/inbox.ts', client('to-device', 'to-device-many'), [
    [
      'parcels.filter(({ seq }) => seq > (heard?.seq ?? 0))',
      'parcels.filter(({ seq }) => seq >= (heard?.seq ?? 0))',
    ],
    ['if (own === undefined) return\n', ''],
    ['OVER (PARTITION BY sender ORDER BY id DESC)', 'OVER (ORDER BY id DESC)'],
    ['if (batch.events.length > 0 && length > BATCH_LENGTH) break', ''],
    ['    if (load > share) return share\n', ''],
    ['  for (const { device_id } of rows) if (!devices.has(device_id)) dropMessages(sql, device_id)\n', ''],
  ]),
  ...inFile('durable-objects/user/outbox.ts', client('to-device'), [
    ['if (first(sql, known, deviceId, txnId) !== undefined) return\n', ''],
    [
      "'SELECT 1 AS found FROM outbox_txns WHERE device_id = ? AND txn_id = ?'",
      "'SELECT 1 AS found FROM outbox_txns WHERE ? IS NOT NULL AND txn_id = ?'",
    ],
  ]),
  ...inFile('durable-objects/user/keys/device-lists.ts', client('device-lists', 'key-changes'), [
    ['privately && dropped.length === 0', 'false'],
    ['joinedAt !== undefined && changedTs < joinedAt - SKEW_MS', 'true'],
    ['dropped.length > 0 ? [userId()] : []', 'dropped.length > 1 ? [userId()] : []'],
  ]),
  ...inFile('durable-objects/user/keys/device-lists.ts', client('cross-signing'), [
    ['[...keys, ...dropSignaturesOf(sql, userId(), deviceId)]', 'keys'],
  ]),
  ...inFile(
    'durable-objects/user/sync/room-rows.ts',
    ['test/local/belonging.test.ts'],
    [["WHERE 'join' IN (membership, was)", '']],
    'a past|only invited',
  ),
  ...inFile('durable-objects/user/keys/cross-signing.ts', client('cross-signing'), [
    ['if (stored.master !== undefined && !confirmed)', 'if (!confirmed)'],
    ['if (isOrphan) archive.push(...dropKey(sql, usage), ', 'if (isOrphan) archive.push('],
    ["[{ kind: 'cross_signing_key', key: usage, body: null }]", '[]'],
  ]),
  ...inFile('durable-objects/user/keys/key-sets.ts', client('cross-signing'), [
    ['if (isAnother) archive', 'if (false) archive'],
  ]),
  ...inFile('durable-objects/user/sync/memberships.ts', client('room-life', 'sync-leaving'), [
    ['change.pos <= known.pos', 'change.pos < known.pos'],
    ['isGone(change.membership) && (', '('],
  ]),
  ...inFile(
    'durable-objects/user/sync/memberships.ts',
    client('search-hidden'),
    [['!room.forgotten && room.pos > 0', 'room.pos > 0']],
    'have forgotten',
  ),
  ...inFile('durable-objects/user/settings/thread-subscriptions.ts', client('thread-subscriptions'), [
    ['cause <= known.left_at', 'false'],
    ['|| known.automatic === 0) return []', ') return []'],
    ['{ automatic: automatic === 1 }', '{ automatic: true }'],
    ["return [{ kind: 'thread_subscription', key: keyOf(row), body: JSON.stringify(row) }]", 'return []'],
  ]),
  ...inFile('durable-objects/user/settings/thread-changes.ts', client('sync/sliding/threads'), [
    ['rows.length > most && last', 'rows.length >= most && last'],
    ['row.automatic === null)', 'row.automatic === 0)'],
  ]),
  ...inFile('durable-objects/room/read/thread-place.ts', client('thread-subscriptions'), [
    [' || relation.eventId !== rootId', ''],
    [' || !viewer.maySee(row)', ''],
  ]),
  ...inFile('durable-objects/user/settings/account-data.ts', client('account-data'), [
    ['ownPos !== undefined || content !== REMOVED', 'true'],
    ['row === undefined || row.content === REMOVED', 'row === undefined'],
    ['if (Object.keys(event.content).length === 0) return writeText(sql, event, REMOVED, nextOwn)\n', ''],
  ]),
  ...inFile('durable-objects/user/presence/others.ts', client('presence-sums', 'presence'), [
    ["change === 'older' || ", '', { title: 'not shown' }],
    [" || (change === 'same' && !anew)", '', { title: 'several rooms tell' }],
  ]),
  ...inFile('durable-objects/user/presence/presence.ts', client('presence-sums', 'presence'), [
    [
      'if (areNews.includes(true) && !this.#leavesAlone()) this.#showing.ask()',
      'this.#showing.do()',
      { title: 'waiting user' },
    ],
    ["state.presence === 'offline' || !this.#parts.hidden()", 'true', { title: 'suspended user' }],
    ['for (const state of heard) this.#others.note(state, true)', '', { title: 'that joins a room' }],
  ]),
  ...inFile('durable-objects/user/presence/presence.ts', client('presence-idle'), [
    ['!this.#leavesAlone()', 'true', { title: 'waits for a message' }],
    ['for (const state of kept?.states ?? []) this.#others.note(state)', '', { title: 'eviction' }],
    ["if (this.#own.presence !== 'unavailable') return false", '', { title: 'that looks' }],
    [
      'if (first || this.#waitedLong(now)) this.takeAlong()',
      'if (first) this.takeAlong()',
      { title: 'for long' },
    ],
  ]),
  ...inFile('durable-objects/user/sync/sockets.ts', client('presence-idle'), [
    ["JSON.stringify(presence ?? '').length <= PRESENCE_LENGTH", 'true', { title: 'more users' }],
  ]),
]
