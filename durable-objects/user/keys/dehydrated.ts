/**
 * MSC3814: the user's dehydrated device, of which there is one at most. It has keys and an inbox as any device has,
 * but no session: others encrypt to it while no client is there, and the next client takes what came.
 */
import type { DehydratedDevice, DehydratedUpload } from '../../../src/objects/user/keys.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { SqlReader } from '../../sqlite.ts'
import { deviceIds, findDevice } from '../account/device-rows.ts'
import { dropMessages } from '../to-device/inbox.ts'
import { dropSignaturesOf, requireNoSuchKey } from './cross-signing.ts'
import { type DehydratedRow, dehydratedRow, insertDehydrated, removeDehydrated } from './dehydrated-rows.ts'
import { dropDeviceKeys, setFallbackKeys } from './device-keys.ts'
import { uploadKeys } from './key-sets.ts'
import { uploadSignatures } from './signatures.ts'

type Archived = Omit<UserLogEntry, 'seq'>

/** @throws MatrixError M_NOT_FOUND */
export function getDehydrated(sql: SqlStorage): DehydratedDevice {
  const row = dehydratedRow(sql)
  if (row === undefined) throw new MatrixError('M_NOT_FOUND', 'There is no dehydrated device')
  return { deviceId: row.device_id, data: JSON.parse(row.data) as JsonObject }
}

/**
 * Replaces the device before it, and takes over none of its keys and messages. Inside the caller's transaction; answers
 * what to archive.
 * @throws MatrixError M_INVALID_PARAM for the id of a device with a session, and as any upload of keys
 */
export function putDehydrated(
  sql: SqlStorage,
  userId: string,
  { deviceId, displayName, data, keys }: DehydratedUpload,
): Archived[] {
  if (findDevice(sql, deviceId) !== undefined) {
    throw new MatrixError(
      'M_INVALID_PARAM',
      'device_id belongs to a device that is signed in: choose another',
    )
  }
  requireNoSuchKey(sql, deviceId)
  const row: DehydratedRow = {
    device_id: deviceId,
    display_name: displayName ?? null,
    data: JSON.stringify(data),
  }
  const archive: Archived[] = []
  // The same upload may come again because its answer was lost. It must not take away what has come since.
  const known = dehydratedRow(sql)
  if (known?.device_id !== deviceId || known.data !== row.data) {
    archive.push(...dropDehydrated(sql, userId))
    insertDehydrated(sql, row)
    // After a rebuild nobody is there to upload new keys, so the keys that may be used again are kept.
    const body = JSON.stringify({ ...row, fallback_keys: keys.fallbackKeys ?? {} })
    archive.push({ kind: 'dehydrated_device', key: deviceId, body })
  }
  archive.push(...uploadKeys(sql, { userId, deviceId }, keys))
  // It cannot be signed later by itself, so the client signs it before the upload.
  const signed = { own: { [deviceId]: keys.deviceKeys }, others: {} }
  archive.push(...uploadSignatures(sql, userId, signed).archive)
  return archive
}

/**
 * Takes the device away with all that it has, inside the caller's transaction. Answers what to archive; nothing, where
 * there is none.
 * @param only if given, the device goes only if it has this id
 */
export function dropDehydrated(sql: SqlStorage, userId: string, only?: string): Archived[] {
  const row = dehydratedRow(sql)
  if (row === undefined || (only !== undefined && row.device_id !== only)) return []
  const deviceId = row.device_id
  removeDehydrated(sql)
  dropMessages(sql, deviceId)
  return [
    { kind: 'dehydrated_device', key: deviceId, body: null },
    ...dropDeviceKeys(sql, deviceId),
    ...dropSignaturesOf(sql, userId, deviceId),
  ]
}

/** The devices that may receive messages: those with a session, and the dehydrated one. */
export function receivingDevices(sql: SqlReader): Set<string> {
  const dehydrated = dehydratedRow(sql)
  const ids = deviceIds(sql)
  return dehydrated === undefined ? ids : ids.add(dehydrated.device_id)
}

/** Puts back what the archive has of the device. */
export function restoreDehydrated(sql: SqlStorage, body: string): void {
  const { fallback_keys: fallbackKeys, ...row } = JSON.parse(body) as DehydratedRow & {
    fallback_keys: JsonObject
  }
  insertDehydrated(sql, row)
  const keys = Object.entries(fallbackKeys).map(([name, key]) => {
    const [algorithm = '', keyId = ''] = name.split(':')
    return { algorithm, keyId, key: JSON.stringify(key) }
  })
  setFallbackKeys(sql, row.device_id, keys)
}
