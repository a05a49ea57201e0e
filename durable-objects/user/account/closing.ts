/** The end of an account: what goes at once, and what a job does after it. */
import type { AccountStore } from '../../../src/ports/accounts.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import { readMeta, writeMeta } from '../../sqlite.ts'
import { coverTexts } from '../../wipe.ts'
import { dropCrossSigning } from '../keys/cross-signing.ts'
import { dropDehydrated } from '../keys/dehydrated.ts'
import { dropBackups } from '../keys/key-backup.ts'
import type { RoomJobs } from '../room-jobs.ts'
import type { UserRoom } from '../sync/memberships.ts'
import { type DeviceChange, deleteAllDevices } from './devices.ts'
import { clearProfile } from './profile.ts'
import { writeStanding } from './standing.ts'

/** Until Postgres knows: whether it must mark the account erased. */
const PENDING = 'closing'

const PRESENT: ReadonlySet<string> = new Set(['join', 'invite', 'knock'])

type Row = Record<string, SqlStorageValue>

/** A table whose rows go with the account, and the archive's record of each. */
interface Belonging {
  table: string
  /** The column that holds what the user or their client wrote. */
  text?: string
  kind: string
  key: (row: Row) => string
}

const BELONGINGS: readonly Belonging[] = [
  {
    table: 'account_data',
    text: 'content',
    kind: 'account_data',
    key: ({ room_id, type }) => JSON.stringify([room_id === '' ? null : room_id, type]),
  },
  { table: 'filters', text: 'filter', kind: 'filter', key: ({ filter_id }) => String(filter_id) },
  {
    table: 'thread_subscriptions',
    kind: 'thread_subscription',
    key: ({ room_id, root_id }) => JSON.stringify([room_id, root_id]),
  },
]

/**
 * Closes the account, inside the caller's transaction: no session is left and none can be opened. The rooms are
 * left by the room jobs, and Postgres is told by `tellAccounts`.
 */
export function closeAccount(
  sql: SqlStorage,
  {
    userId,
    erase,
    rooms,
    jobs,
  }: { userId: string; erase: boolean; rooms: Iterable<UserRoom>; jobs: RoomJobs },
): DeviceChange {
  const profile = erase ? clearProfile(sql) : []
  const belongings = BELONGINGS.flatMap((one) => clear(sql, one))
  // The keys of devices, their pushers and what waits for them go with the devices.
  const keys = [...dropDehydrated(sql, userId), ...dropCrossSigning(sql), ...dropBackups(sql)]
  const { archive, revoked } = deleteAllDevices(sql)
  const all = [...rooms]
  jobs.add(
    'leave',
    all.filter(({ membership }) => PRESENT.has(membership)).map(({ roomId }) => roomId),
  )
  // An invite shows the profile too.
  if (erase) {
    jobs.add(
      'erase',
      all.map(({ roomId }) => roomId),
    )
  }
  const more: Omit<UserLogEntry, 'seq'>[] = [
    ...belongings,
    ...keys,
    ...profile,
    ...writeStanding(sql, { deactivated: true, locked: false, suspended: false }),
  ]
  writeMeta(sql, PENDING, erase ? 'erase' : 'keep')
  return { archive: [...archive, ...more], revoked }
}

/** Whether the end of the account is on record, and Postgres has yet to be told. */
export function isClosing(sql: SqlStorage): boolean {
  return readMeta(sql, PENDING) !== undefined
}

/** Tells Postgres of an account that was closed. @throws when it cannot be reached: tried again from the alarm */
export async function tellAccounts(sql: SqlStorage, userId: string, accounts: AccountStore): Promise<void> {
  const pending = readMeta<string>(sql, PENDING)
  if (pending === undefined) return
  await accounts.deactivate(userId, pending === 'erase')
  sql.exec('DELETE FROM meta WHERE key = ?', PENDING)
}

function clear(sql: SqlStorage, { table, text, kind, key }: Belonging): Omit<UserLogEntry, 'seq'>[] {
  const rows = sql.exec<Row>(`SELECT * FROM ${table}`).toArray()
  if (text !== undefined) coverTexts(sql, table, text)
  sql.exec(`DELETE FROM ${table}`)
  return rows.map((row) => ({ kind, key: key(row), body: null }))
}
