/** Whether somebody has used a name before. If so, nobody else may have it, whatever the accounts say. */
import { readMeta, type SqlReader } from '../../sqlite.ts'
import { hasCrossSigning } from '../keys/cross-signing.ts'
import { allDeviceKeys } from '../keys/device-keys.ts'
import { hasAccountData } from '../settings/account-data.ts'
import { countFilters } from '../settings/filters.ts'
import { hasEpochs } from '../sync/head-store.ts'
import { hasStays } from '../sync/room-rows.ts'
import { countDevices } from './device-rows.ts'
import { profileFields } from './profile.ts'

/** What only a user that was logged in can have left. An invite or a key request by others proves nothing. */
const TRACES: readonly ((sql: SqlReader) => boolean)[] = [
  (sql) => countDevices(sql) > 0,
  (sql) => Object.keys(profileFields(sql)).length > 0,
  hasAccountData,
  (sql) => countFilters(sql) > 0,
  hasEpochs,
  (sql) => allDeviceKeys(sql).size > 0,
  hasCrossSigning,
  hasStays,
]

/** Whether there is anything that a new owner of the name would take over. */
export function hasPast(sql: SqlStorage): boolean {
  if (readMeta(sql, 'standing') !== undefined) return true
  return TRACES.some((isThere) => isThere(sql))
}
