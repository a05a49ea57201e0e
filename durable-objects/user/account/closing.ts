/** The end of an account: what goes at once, and what a job does after it. */
import type { AccountStore } from '../../../src/ports/accounts.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import { deleteMeta, readMeta, writeMeta } from '../../sqlite.ts'
import { dropCrossSigning } from '../keys/cross-signing.ts'
import { dropDehydrated } from '../keys/dehydrated.ts'
import { dropBackups } from '../keys/key-backup.ts'
import type { RoomJobs } from '../room-jobs.ts'
import { dropAccountData } from '../settings/account-data.ts'
import { dropFilters } from '../settings/filters.ts'
import { dropThreadSubscriptions } from '../settings/thread-subscriptions.ts'
import type { UserRoom } from '../sync/memberships.ts'
import { type DeviceChange, deleteAllDevices } from './devices.ts'
import { clearProfile } from './profile.ts'
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
  const belongings = [...dropAccountData(sql), ...dropFilters(sql), ...dropThreadSubscriptions(sql)]
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
  deleteMeta(sql, PENDING)
}
