/**
 * A User made again from the archive alone. Sessions go on. Earlier sync tokens are answered as after a long absence,
 * since everything is newer than they can know.
 */
import type { ArchivedMembership, ArchiveReader, UserRecord } from '../../src/ports/archive.ts'
import { type Pdu, STRIPPED_TYPES, strippedEvent } from '../../src/protocol/events/event.ts'
import { readMeta, writeMeta } from '../sqlite.ts'
import { wipeTables } from '../wipe.ts'
import { noteDelayed } from './delayed-rooms.ts'
import { restoreDehydrated } from './keys/dehydrated.ts'
import { recountBackups } from './keys/key-backup.ts'
import { putRoom, type RoomRow } from './sync/room-rows.ts'
import { MESSAGE_SERIES } from './to-device/inbox.ts'

const BATCH = 500
/**
 * Kept through a rebuild: ended sessions that Redis has not been told of, messages that no archive has, and rooms that
 * may not have archived a delayed event yet.
 */
const KEPT = ['revoked', 'inbox', 'inbox_heard', 'outbox', 'outbox_txns', 'delayed_rooms']

/** A room as the archive knows it, with what an invited or knocking user sees of it. */
export interface KnownRoom extends ArchivedMembership {
  stripped?: string
}

export interface UserCopy {
  records: UserRecord[]
  rooms: KnownRoom[]
  delayedRooms: string[]
}

/** Everything that the archive has of a user. */
export async function readCopy(reader: ArchiveReader, userId: string): Promise<UserCopy> {
  const records: UserRecord[] = []
  for (let after: [string, string] = ['', '']; ; ) {
    const batch = await reader.userRecords(userId, after, BATCH)
    records.push(...batch)
    const last = batch.at(-1)
    if (last === undefined || batch.length < BATCH) break
    after = [last.kind, last.key]
  }
  const rooms: KnownRoom[] = []
  for (const room of await reader.userRooms(userId)) rooms.push(await withStripped(reader, userId, room))
  return { records, rooms, delayedRooms: await reader.delayedRoomsOf(userId) }
}

async function withStripped(
  reader: ArchiveReader,
  userId: string,
  room: ArchivedMembership,
): Promise<KnownRoom> {
  if (room.membership !== 'invite' && room.membership !== 'knock') return room
  const pdus = await reader.currentState(room.roomId, STRIPPED_TYPES, userId)
  const own = (pdu: Pdu) => pdu.type === 'm.room.member'
  // The user's own member event comes last, as the Room itself tells it.
  const ordered = [...pdus.filter((pdu) => !own(pdu)), ...pdus.filter(own)]
  return { ...room, stripped: JSON.stringify(ordered.map(strippedEvent)) }
}

/**
 * Puts the copy in the place of everything there is, inside the caller's transaction.
 * @param base above every place in the user's own log, and every epoch, that was ever given
 */
export function restoreCopy(sql: SqlStorage, { records, rooms, delayedRooms }: UserCopy, base: number): void {
  const series = MESSAGE_SERIES.map((name) => [name, readMeta<number>(sql, name)] as const)
  wipeTables(sql, KEPT)
  for (const [name, last] of series) if (last !== undefined) writeMeta(sql, name, last)
  writeMeta(sql, 'own', base)
  writeMeta(sql, 'first_epoch', base)
  for (const record of records) RESTORERS[record.kind]?.(sql, record, base)
  recountBackups(sql)
  for (const roomId of delayedRooms) noteDelayed(sql, roomId)
  for (const [index, room] of rooms.entries()) putRoom(sql, restoredRoom(room, index + 1, base))
}

function restoredRoom(room: KnownRoom, no: number, own: number): RoomRow {
  return {
    no,
    room_id: room.roomId,
    membership: room.membership,
    was: null,
    pos: room.pos,
    own,
    event_id: room.eventId,
    stripped: room.stripped ?? null,
    forgotten: room.forgotten ? 1 : 0,
  }
}

type Restorer = (sql: SqlStorage, record: UserRecord, base: number) => void

/** How each kind of archived record comes back. */
const RESTORERS: Readonly<Record<string, Restorer>> = {
  device: (sql, { body }) => insertRow(sql, 'devices', JSON.parse(body) as Record<string, SqlStorageValue>),
  filter: (sql, { key, body }) => insertRow(sql, 'filters', { filter_id: key, filter: body }),
  profile: (sql, { key, body }) => insertRow(sql, 'profile', { key, value: body }),
  standing: (sql, { body }) => writeMeta(sql, 'standing', body),
  device_keys: (sql, { key, body }) => insertRow(sql, 'device_keys', { device_id: key, keys: body }),
  dehydrated_device: (sql, { body }) => restoreDehydrated(sql, body),
  pusher: (sql, { body }) => insertRow(sql, 'pushers', JSON.parse(body) as Record<string, SqlStorageValue>),
  cross_signing_key: (sql, { key, body }) => insertRow(sql, 'cross_signing_keys', { usage: key, key: body }),
  key_signature: (sql, { key, body }) => {
    const [targetUser, target, keyId] = JSON.parse(key) as [string, string, string]
    const signature = JSON.parse(body) as string
    insertRow(sql, 'key_signatures', { target_user: targetUser, target, key_id: keyId, signature })
  },
  backup_version: (sql, { body }) =>
    insertRow(sql, 'backup_versions', JSON.parse(body) as Record<string, SqlStorageValue>),
  backup_key: (sql, { key, body }) => {
    const [version, roomId, sessionId] = JSON.parse(key) as [number, string, string]
    insertRow(sql, 'backup_keys', { version, room_id: roomId, session_id: sessionId, data: body })
  },
  thread_subscription: (sql, { body }) =>
    insertRow(sql, 'thread_subscriptions', JSON.parse(body) as Record<string, SqlStorageValue>),
  account_data: (sql, { key, body }, base) => {
    const [roomId, type] = JSON.parse(key) as [string | null, string]
    insertRow(sql, 'account_data', { room_id: roomId ?? '', type, content: body, pos: base })
  },
}

/**
 * The columns that the record names and the table has. A record from before a column existed leaves that column as it
 * is.
 */
function insertRow(sql: SqlStorage, table: string, row: Record<string, SqlStorageValue>): void {
  const known = sql.exec<{ name: string }>(`SELECT name FROM pragma_table_info('${table}')`).toArray()
  const columns = known.map(({ name }) => name).filter((name) => row[name] !== undefined)
  const places = columns.map(() => '?').join(', ')
  const values = columns.map((name) => row[name] ?? null)
  sql.exec(`INSERT OR REPLACE INTO ${table} (${columns.join(', ')}) VALUES (${places})`, ...values)
}
