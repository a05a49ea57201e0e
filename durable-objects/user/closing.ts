/** The end of an account: what goes at once, and what a job does after it. */
import type { AccountStore, UserLogEntry } from '../../src/ports.ts'
import { localpartOf } from '../../src/protocol/identifiers.ts'
import { readMeta, writeMeta } from '../sqlite.ts'
import { coverTexts } from '../wipe.ts'
import { dropCrossSigning } from './cross-signing.ts'
import { dropDehydrated } from './dehydrated.ts'
import { type DeviceChange, deleteAllDevices } from './devices.ts'
import { dropBackups } from './key-backup.ts'
import type { UserRoom } from './memberships.ts'
import { clearProfile } from './profile.ts'
import type { RoomJobs } from './room-jobs.ts'
import { writeStanding } from './standing.ts'

/** Until Postgres knows: whether it must mark the account erased. */
const PENDING = 'closing'

const PRESENT: ReadonlySet<string> = new Set(['join', 'invite', 'knock'])

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
  const accountData = clearAccountData(sql)
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
    ...keys,
    ...accountData,
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
  await accounts.deactivate(localpartOf(userId), pending === 'erase')
  sql.exec('DELETE FROM meta WHERE key = ?', PENDING)
}

function clearAccountData(sql: SqlStorage): Omit<UserLogEntry, 'seq'>[] {
  const rows = sql.exec<{ room_id: string; type: string }>('SELECT room_id, type FROM account_data').toArray()
  coverTexts(sql, 'account_data', 'content')
  sql.exec('DELETE FROM account_data')
  return rows.map(({ room_id, type }) => ({
    kind: 'account_data',
    key: JSON.stringify([room_id === '' ? null : room_id, type]),
    body: null,
  }))
}
