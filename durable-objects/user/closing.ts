/** The end of an account: what goes at once, and what a job does after it. */
import type { AccountStore, UserLogEntry } from '../../src/ports.ts'
import { readMeta, writeMeta } from '../sqlite.ts'
import { coverTexts } from '../wipe.ts'
import { type DeviceChange, deleteAllDevices } from './devices.ts'
import type { UserRoom } from './memberships.ts'
import { clearProfile } from './profile.ts'
import type { RoomJobs } from './room-jobs.ts'
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
  { table: 'cross_signing_keys', kind: 'cross_signing_key', key: ({ usage }) => String(usage) },
  {
    table: 'key_signatures',
    kind: 'key_signature',
    key: ({ target_user, target, key_id }) => JSON.stringify([target_user, target, key_id]),
  },
  {
    table: 'backup_keys',
    text: 'data',
    kind: 'backup_key',
    key: ({ version, room_id, session_id }) => JSON.stringify([version, room_id, session_id]),
  },
  { table: 'backup_versions', kind: 'backup_version', key: ({ version }) => String(version) },
]

/**
 * Closes the account, inside the caller's transaction: no session is left and none can be opened. The rooms are
 * left by the room jobs, and Postgres is told by `tellAccounts`.
 */
export function closeAccount(
  sql: SqlStorage,
  { erase, rooms, jobs }: { erase: boolean; rooms: Iterable<UserRoom>; jobs: RoomJobs },
): DeviceChange {
  const profile = erase ? clearProfile(sql) : []
  const belongings = BELONGINGS.flatMap((one) => clear(sql, one))
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
    ...profile,
    ...writeStanding(sql, { deactivated: true, locked: false, suspended: false }),
  ]
  writeMeta(sql, PENDING, erase ? 'erase' : 'keep')
  return { archive: [...archive, ...more], revoked }
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
