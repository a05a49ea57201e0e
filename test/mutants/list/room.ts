/** Mistakes in the Room object. */
import { inFile, type Mutant } from '../mutant.ts'

const client = (...names: string[]) => names.map((name) => `test/workers/client/${name}.test.ts`)

export const ROOM: readonly Mutant[] = [
  ...inFile('durable-objects/room/membership.ts', client('membership'), [
    ["if (action === 'leave' && current === 'leave') return undefined\n", ''],
    ["    needs: { memberships: ['join', 'invite', 'knock'], error: notInRoom },\n", ''],
    ["      memberships: ['ban'],", "      memberships: ['ban', 'leave'],"],
    ['if (request.isDirect) content.is_direct = true', ''],
    ['if (request.reason !== undefined) content.reason = request.reason', ''],
  ]),
  ...inFile('durable-objects/room/receipts.ts', client('receipts', 'unread'), [
    ["if (room.store.member(userId)?.membership !== 'join') {", 'if (false) {'],
    ['old.event_pos >= receipt.eventPos) return false', 'old.event_pos > receipt.eventPos) return false'],
    ["audience = type === PUBLIC ? 'all' : 'own'", "audience = 'all'"],
    ['(r.receipt_type = ? OR r.user_id = ?)', '(r.receipt_type = ? OR r.user_id = ? OR 1 = 1)'],
    ['if (threadId === undefined || threadId === event.event_id) return', 'return'],
    [
      "JSON.stringify({ kind: 'receipt', ...placed }),",
      "JSON.stringify({ kind: 'receipt', ...placed, eventPos: 0 }),",
    ],
  ]),
  ...inFile('durable-objects/room/redact.ts', client('redact'), [
    ['row.pos >= pos || ', ''],
    ['  removeRelation(store.sql, original, row.pos)\n', ''],
    ['  room.rewritten = true\n', ''],
    ["  appendLog(room, { kind: 'redacted', pos: 0, eventId: row.event_id, pdu: json })\n", ''],
    ['if (asAdministrator && room.isLocal(event.sender)) return', ''],
  ]),
  ...inFile(
    'durable-objects/room/archive.ts',
    ['test/durable-objects/room/rebuild.test.ts'],
    [
      ['current: row.from_pos !== null,', 'current: true,'],
      ['    txn: row.txn,', '    txn: null,'],
      ["membership: row.type === 'm.room.member' ? row.value : null,", 'membership: null,'],
    ],
  ),
  ...inFile(
    'durable-objects/room/rebuild.ts',
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
    ['test/durable-objects/timers.test.ts'],
    [
      ['    if (next !== undefined) this.#wish(one, next)\n', ''],
      ['        this.#inherited = at\n', ''],
      ['      one.failures += 1\n', ''],
      ['Math.max(at, one.restsUntil)', 'at'],
    ],
  ),
]
