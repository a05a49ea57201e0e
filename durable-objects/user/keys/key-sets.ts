/** A user's keys as a whole: what a device uploads at once, and what others are shown at once. */
import type { KeyUpload, PublicKeys } from '../../../src/objects/user/keys.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { publicKeyOf } from '../../../src/protocol/keys/cross-signing.ts'
import {
  checkDeviceKeys,
  checkUploadedKeys,
  deviceSigningKey,
  sameSigned,
  withSignatures,
} from '../../../src/protocol/keys/device-keys.ts'
import { findDevice } from '../account/device-rows.ts'
import { crossSigningKeys, dropSignaturesOf, signaturesOn } from './cross-signing.ts'
import { dehydratedRow } from './dehydrated-rows.ts'
import { addOneTimeKeys, allDeviceKeys, deviceKeys, setFallbackKeys, storeDeviceKeys } from './device-keys.ts'

type Archived = Omit<UserLogEntry, 'seq'>

/**
 * Checks and stores what a device publishes, inside the caller's transaction: all of it or nothing. Answers what to
 * archive; something, where its identity keys are new.
 * @throws MatrixError M_INVALID_PARAM, M_BAD_JSON, M_TOO_LARGE
 */
export function uploadKeys(
  sql: SqlStorage,
  { userId, deviceId }: { userId: string; deviceId: string },
  { deviceKeys: uploaded, oneTimeKeys = {}, fallbackKeys = {} }: KeyUpload,
): Archived[] {
  const archive: Archived[] = []
  const known = deviceKeys(sql, deviceId)
  if (uploaded !== undefined) {
    const keys = checkDeviceKeys(uploaded, userId, deviceId)
    const stored = storeDeviceKeys(sql, deviceId, keys)
    const isAnother = known !== undefined && !sameSigned(known, keys)
    if (isAnother) archive.push(...dropSignaturesOf(sql, userId, deviceId))
    archive.push(...stored)
  }
  addOneTimeKeys(sql, deviceId, checkUploadedKeys(oneTimeKeys))
  setFallbackKeys(sql, deviceId, checkUploadedKeys(fallbackKeys))
  return archive
}

/** What everybody may see: of these devices, or of all if none is named. */
export function publicKeys(sql: SqlStorage, userId: string, deviceIds: readonly string[]): PublicKeys {
  const wanted = new Set(deviceIds)
  const devices: [string, JsonObject][] = []
  for (const [deviceId, keys] of allDeviceKeys(sql)) {
    if (wanted.size > 0 && !wanted.has(deviceId)) continue
    const signed = withSignatures(keys, userId, signaturesOn(sql, userId, deviceId))
    devices.push([deviceId, withName(signed, nameOf(sql, deviceId))])
  }
  const { master, self_signing: selfSigning } = crossSigningKeys(sql)
  return {
    devices: Object.fromEntries(devices),
    ...(master !== undefined && {
      master: withSignatures(master, userId, signaturesOn(sql, userId, publicKeyOf(master))),
    }),
    ...(selfSigning !== undefined && { selfSigning }),
  }
}

/** The name of a device, with a session or dehydrated. */
function nameOf(sql: SqlStorage, deviceId: string): string | null | undefined {
  const device = findDevice(sql, deviceId)
  if (device !== undefined) return device.display_name
  const dehydrated = dehydratedRow(sql)
  return dehydrated?.device_id === deviceId ? dehydrated.display_name : undefined
}

function withName(keys: JsonObject, name: string | null | undefined): JsonObject {
  return name == null ? keys : { ...keys, unsigned: { device_display_name: name } }
}

/** The key a device of the user signs with, by the id of that key. */
export function signingKeyOfDevice(sql: SqlStorage, keyId: string): string | undefined {
  const deviceId = keyId.startsWith('ed25519:') ? keyId.slice('ed25519:'.length) : ''
  const keys = deviceKeys(sql, deviceId)
  return keys && deviceSigningKey(keys, deviceId)
}
