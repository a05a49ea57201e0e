/** Whether somebody has used a name before. If so, nobody else may have it, whatever the accounts say. */
import { first, readMeta } from '../../sqlite.ts'

/** What only a user that was logged in can have left. An invite or a key request by others proves nothing. */
const TRACES = [
  'devices',
  'profile',
  'account_data',
  'filters',
  'epochs',
  'device_keys',
  'cross_signing_keys',
]

/** Whether there is anything that a new owner of the name would take over. */
export function hasPast(sql: SqlStorage): boolean {
  if (readMeta(sql, 'standing') !== undefined) return true
  const traces = TRACES.map((table) => `EXISTS (SELECT 1 FROM ${table})`)
  const stays = `EXISTS (SELECT 1 FROM rooms WHERE 'join' IN (membership, was))`
  return first<{ found: number }>(sql, `SELECT ${[...traces, stays].join(' OR ')} AS found`)?.found === 1
}
