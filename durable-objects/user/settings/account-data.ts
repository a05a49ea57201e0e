/** A user's account data, global and by room, each with its place in the user's own log. */
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import type { Quotas } from '../../../src/ports/config.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { objectField } from '../../../src/protocol/json-fields.ts'
import { currentPushRules } from '../../../src/protocol/push/push-rule-edits.ts'
import { checkIgnored, IGNORED_USERS } from '../../../src/protocol/rooms/ignored-users.ts'
import { checkInviteFilter, INVITE_FILTER } from '../../../src/protocol/rooms/invite-permission.ts'
import { requireQuota } from '../../../src/quotas.ts'
import { first, type SqlReader } from '../../sqlite.ts'
import { coverTexts } from '../../wipe.ts'
import { deletedDevices } from '../account/devices.ts'

/** An empty `room_id` is global account data. */
export const ACCOUNT_DATA_TABLE = `
  CREATE TABLE account_data (
    room_id TEXT NOT NULL,
    type TEXT NOT NULL,
    content TEXT NOT NULL,
    pos INTEGER NOT NULL,
    PRIMARY KEY (room_id, type)
  ) WITHOUT ROWID;
  CREATE INDEX account_data_by_pos ON account_data (pos);
`

export interface AccountDataEvent {
  /** Null: global. */
  roomId: string | null
  type: string
  content: JsonObject
}

export type AccountDataRow = { room_id: string; type: string; content: string; pos: number }
type Row = Omit<AccountDataRow, 'pos'>

const GLOBAL = ''
/** In the place of the content of data that was removed: its row stays as news. */
const REMOVED = 'null'
const PUSH_RULES = 'm.push_rules'

/** "The server MUST return 405 M_BAD_JSON" for what only the server may set. */
const MANAGED_BY_SERVER: ReadonlySet<string> = new Set(['m.fully_read', PUSH_RULES])

/** What the server itself reads of what clients write. */
const CHECKS: Readonly<Record<string, (content: JsonObject) => void>> = Object.assign(Object.create(null), {
  [IGNORED_USERS]: checkIgnored,
  [INVITE_FILTER]: checkInviteFilter,
})

/**
 * Sets a value as a client asks. An empty object removes it (MSC3391), and is news even where nothing was: clients
 * wait for what they set to come back.
 * @throws MatrixError M_BAD_JSON (405) for what only the server may set; M_INVALID_PARAM for a list that
 *   is too long; M_TOO_LARGE past the quota
 */
export function putAccountData(
  sql: SqlStorage,
  event: AccountDataEvent,
  quotas: Quotas,
  nextOwn: () => number,
): { archive: UserLogEntry[] } {
  requireOfClients(event.type)
  if (event.roomId === null) CHECKS[event.type]?.(event.content)
  requireSpace(sql, event, quotas)
  if (Object.keys(event.content).length === 0) return writeText(sql, event, REMOVED, nextOwn)
  return writeAccountData(sql, event, nextOwn)
}

function requireOfClients(type: string): void {
  if (!MANAGED_BY_SERVER.has(type)) return
  throw new MatrixError('M_BAD_JSON', `${type} is managed by the server`, { status: 405 })
}

/**
 * Removes a value as a client asks (MSC3391); what is not there stays so, without news.
 * @throws MatrixError M_BAD_JSON (405) for what only the server may set
 */
export function removeAccountData(
  sql: SqlStorage,
  place: Omit<AccountDataEvent, 'content'>,
  nextOwn: () => number,
): { archive: UserLogEntry[] } {
  requireOfClients(place.type)
  if (findAccountData(sql, place.roomId, place.type) === undefined) return { archive: [] }
  return writeText(sql, place, REMOVED, nextOwn)
}

/** What an entry costs beside its texts: many empty ones are a burden too. */
const ENTRY_BYTES = 128
const SIZE = `octet_length(room_id) + octet_length(type) + octet_length(content) + ${ENTRY_BYTES}`

/**
 * Passes a value that fits into the user's quota. A value no longer than the one before it always fits. @throws
 * MatrixError M_TOO_LARGE
 */
export function requireSpace(
  sql: SqlStorage,
  { roomId, type, content }: AccountDataEvent,
  quotas: Quotas,
): void {
  const place = [roomId ?? GLOBAL, type] as const
  const query = `SELECT ${SIZE} AS bytes FROM account_data WHERE room_id = ? AND type = ?`
  const before = first<{ bytes: number }>(sql, query, ...place)?.bytes ?? 0
  const text = [...place, JSON.stringify(content)].join('')
  const added = Buffer.byteLength(text) + ENTRY_BYTES - before
  if (added <= 0) return
  const all = first<{ bytes: number }>(sql, `SELECT coalesce(sum(${SIZE}), 0) AS bytes FROM account_data`)
  requireQuota(quotas, 'accountDataBytes', (all?.bytes ?? 0) + added)
}

/** Sets a value at a place in the user's log; the same value again is news again. */
export function writeAccountData(
  sql: SqlStorage,
  { content, ...place }: AccountDataEvent,
  nextOwn: () => number,
): { archive: UserLogEntry[] } {
  return writeText(sql, place, JSON.stringify(content), nextOwn)
}

function writeText(
  sql: SqlStorage,
  { roomId, type }: Omit<AccountDataEvent, 'content'>,
  body: string,
  nextOwn: () => number,
): { archive: UserLogEntry[] } {
  const pos = nextOwn()
  sql.exec(
    'INSERT OR REPLACE INTO account_data (room_id, type, content, pos) VALUES (?, ?, ?, ?)',
    roomId ?? GLOBAL,
    type,
    body,
    pos,
  )
  return { archive: [{ seq: pos, kind: 'account_data', key: JSON.stringify([roomId, type]), body }] }
}

/** MSC3890: how loud one device is, which its other devices may set. */
const OF_A_DEVICE = ['m.local_notification_settings', 'org.matrix.msc3890.local_notification_settings']

/** Removes what account data has of devices that a mutation deletes, inside its transaction. */
export function dropDataOfDevices(
  sql: SqlStorage,
  changes: readonly Omit<UserLogEntry, 'seq'>[],
): Omit<UserLogEntry, 'seq'>[] {
  const types = deletedDevices(changes).flatMap((deviceId) =>
    OF_A_DEVICE.map((type) => `${type}.${deviceId}`),
  )
  return types.flatMap((type) => {
    const query = 'DELETE FROM account_data WHERE room_id = ? AND type = ?'
    if (sql.exec(query, GLOBAL, type).rowsWritten === 0) return []
    return [{ kind: 'account_data', key: JSON.stringify([null, type]), body: null }]
  })
}

/** Takes all of it away, of an account that is closed, and leaves nothing of it in the file. Answers what to archive. */
export function dropAccountData(sql: SqlStorage): Omit<UserLogEntry, 'seq'>[] {
  const query = 'SELECT room_id, type FROM account_data'
  const rows = sql.exec<Pick<Row, 'room_id' | 'type'>>(query).toArray()
  coverTexts(sql, 'account_data', 'content')
  sql.exec('DELETE FROM account_data')
  const keyOf = ({ room_id, type }: Pick<Row, 'room_id' | 'type'>) =>
    JSON.stringify([room_id === GLOBAL ? null : room_id, type])
  return rows.map((row) => ({ kind: 'account_data', key: keyOf(row), body: null }))
}

/** Whether anything was ever stored. */
export function hasAccountData(sql: SqlReader): boolean {
  return first(sql, 'SELECT 1 AS found FROM account_data LIMIT 1') !== undefined
}

/** What is stored, if anything is. */
export function findAccountData(
  sql: SqlStorage,
  roomId: string | null,
  type: string,
): JsonObject | undefined {
  const query = 'SELECT room_id, type, content FROM account_data WHERE room_id = ? AND type = ?'
  const row = first<Row>(sql, query, roomId ?? GLOBAL, type)
  return row === undefined || row.content === REMOVED ? undefined : eventOf(row).content
}

/** @throws MatrixError M_NOT_FOUND */
export function getAccountData(
  sql: SqlStorage,
  userId: string,
  roomId: string | null,
  type: string,
): JsonObject {
  const content = findAccountData(sql, roomId, type)
  if (roomId === null && type === PUSH_RULES) return pushRules(userId, content)
  if (content !== undefined) return content
  throw new MatrixError('M_NOT_FOUND', 'No such account data')
}

/**
 * What changed after `ownPos`, oldest first; undefined: everything, with the default push rules, which every
 * client wants to know at its first sync.
 */
export function accountDataSince(
  sql: SqlStorage,
  userId: string,
  ownPos: number | undefined,
): AccountDataEvent[] {
  const query = 'SELECT room_id, type, content FROM account_data WHERE pos > ? ORDER BY pos'
  const rows = sql
    .exec<Row>(query, ownPos ?? 0)
    .toArray()
    .filter(({ content }) => ownPos !== undefined || content !== REMOVED)
  const isRules = ({ roomId, type }: AccountDataEvent) => roomId === null && type === PUSH_RULES
  const events = rows
    .map(eventOf)
    .map((event) => (isRules(event) ? { ...event, content: pushRules(userId, event.content) } : event))
  if (ownPos === undefined && !events.some(isRules)) {
    events.unshift({ roomId: null, type: PUSH_RULES, content: pushRules(userId, undefined) })
  }
  return events
}

/** The stored rules with today's default ones, of which users keep their changes alone. */
function pushRules(userId: string, stored: JsonObject | undefined): JsonObject {
  return { global: currentPushRules(userId, objectField(stored?.global)) }
}

/** MSC3391: where data was removed, a sync gives an empty object to the clients that knew it. */
function eventOf({ room_id, type, content: text }: Row): AccountDataEvent {
  const content = text === REMOVED ? {} : (JSON.parse(text) as JsonObject)
  return { roomId: room_id === GLOBAL ? null : room_id, type, content }
}
