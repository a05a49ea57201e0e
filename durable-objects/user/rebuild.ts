/**
 * A User made again from the archive alone. Sessions go on. Earlier sync tokens are answered as after a long absence,
 * since everything is newer than they can know.
 */
import type { ArchivedMembership, ArchiveReader, UserRecord } from '../../src/ports/archive.ts'
import { type Pdu, STRIPPED_TYPES, strippedEvent } from '../../src/protocol/events/event.ts'
import type { Usage } from '../../src/protocol/keys/cross-signing.ts'
import { readMeta, writeMeta } from '../sqlite.ts'
import { wipeTables } from '../wipe.ts'
import type { DeviceRow } from './account/device-rows.ts'
import type { ProfileRow } from './account/profile.ts'
import { archivedRemovals } from './archived-removals.ts'
import { noteDelayed } from './delayed-rooms.ts'
import { putKey, recountBackups, type VersionRow } from './keys/backup-rows.ts'
import type { CrossSigningRow, SignatureRow } from './keys/cross-signing.ts'
import { restoreDehydrated } from './keys/dehydrated.ts'
import type { DeviceKeysRow } from './keys/device-keys.ts'
import type { PusherRow } from './push/pushers.ts'
import type { AccountDataRow } from './settings/account-data.ts'
import type { FilterRow } from './settings/filters.ts'
import type { ThreadRow } from './settings/thread-subscriptions.ts'
import type { Standing } from './standing.ts'
import { OUTSIDE_ROOM, restoreOutside } from './sync/outside-rooms.ts'
import { putRoom, type RoomRow } from './sync/room-rows.ts'
import { MESSAGE_SERIES } from './to-device/inbox.ts'

const BATCH = 500
/**
 * Kept through a rebuild: ended sessions that Redis has not been told of, messages that no archive has, and rooms that
 * may not have archived a delayed event yet.
 */
const KEPT = ['revoked', 'inbox', 'inbox_heard', 'outbox', 'outbox_txns', 'delayed_rooms']

/**
 * A room as the archive knows it, with what an invited or knocking user sees of it, and how a user that is out of it came
 * to be so.
 */
export interface KnownRoom extends ArchivedMembership {
  stripped?: string
  standing?: Standing
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
  const memberships = await reader.userRooms(userId)
  const standings = await archivedRemovals(reader, userId, memberships)
  const rooms: KnownRoom[] = []
  for (const room of memberships) {
    rooms.push({ ...(await withStripped(reader, userId, room)), standing: standings.get(room.roomId) })
  }
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
  for (const record of records) if (record.kind === OUTSIDE_ROOM) restoreOutside(sql, record, base)
}

function restoredRoom(room: KnownRoom, no: number, own: number): RoomRow {
  return {
    no,
    room_id: room.roomId,
    membership: room.membership,
    was: room.standing?.was ?? null,
    pos: room.pos,
    own,
    event_id: room.eventId,
    stripped: room.stripped ?? null,
    forgotten: room.forgotten ? 1 : 0,
    at: null,
    by_other: room.standing?.byOther ? 1 : 0,
    outside: 0,
  }
}

type Restorer = (sql: SqlStorage, record: UserRecord, base: number) => void

/** How each kind of archived record comes back. */
const RESTORERS: Readonly<Record<string, Restorer>> = {
  device: (sql, { body }) => insertRow<DeviceRow>(sql, 'devices', JSON.parse(body)),
  filter: (sql, { key, body }) => insertRow<FilterRow>(sql, 'filters', { filter_id: key, filter: body }),
  profile: (sql, { key, body }) => insertRow<ProfileRow>(sql, 'profile', { key, value: body }),
  standing: (sql, { body }) => writeMeta(sql, 'standing', body),
  device_keys: (sql, { key, body }) =>
    insertRow<DeviceKeysRow>(sql, 'device_keys', { device_id: key, keys: body }),
  dehydrated_device: (sql, { body }) => restoreDehydrated(sql, body),
  pusher: (sql, { body }) => insertRow<PusherRow>(sql, 'pushers', JSON.parse(body)),
  cross_signing_key: (sql, { key, body }) =>
    insertRow<CrossSigningRow>(sql, 'cross_signing_keys', { usage: key as Usage, key: body }),
  key_signature: (sql, { key, body }) => {
    const [target_user, target, key_id] = JSON.parse(key) as [string, string, string]
    const signature = JSON.parse(body) as string
    insertRow<SignatureRow>(sql, 'key_signatures', { target_user, target, key_id, signature })
  },
  backup_version: (sql, { body }) => insertRow<VersionRow>(sql, 'backup_versions', JSON.parse(body)),
  backup_key: (sql, { key, body }) => {
    const [version, room_id, session_id] = JSON.parse(key) as [number, string, string]
    putKey(sql, { version, room_id, session_id, data: body })
  },
  thread_subscription: (sql, { body }, base) =>
    insertRow<ThreadRow>(sql, 'thread_subscriptions', { ...JSON.parse(body), pos: base }),
  account_data: (sql, { key, body }, base) => {
    const [roomId, type] = JSON.parse(key) as [string | null, string]
    const row = { room_id: roomId ?? '', type, content: body, pos: base }
    insertRow<AccountDataRow>(sql, 'account_data', row)
  },
}

/**
 * The columns that the record names and the table has. A record from before a column existed leaves that column as it
 * is.
 */
function insertRow<Row extends Record<string, SqlStorageValue>>(
  sql: SqlStorage,
  table: string,
  row: Row,
): void {
  const known = sql.exec<{ name: string }>(`SELECT name FROM pragma_table_info('${table}')`).toArray()
  const columns = known.map(({ name }) => name).filter((name) => row[name] !== undefined)
  const places = columns.map(() => '?').join(', ')
  const values = columns.map((name) => row[name] ?? null)
  sql.exec(`INSERT OR REPLACE INTO ${table} (${columns.join(', ')}) VALUES (${places})`, ...values)
}
