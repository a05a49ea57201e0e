/**
 * What devices publish for encryption: Client-Server API §Key management API. It is stored as it was given, with or
 * without valid signatures: clients judge signatures, and must, since a server could forge what it has checked.
 */

import { MatrixError } from '../errors.ts'
import { canonicalJson, type JsonObject, type JsonValue } from '../events/canonical-json.ts'
import { signedJson } from '../events/signing.ts'
import { objectField, stringField } from '../json-fields.ts'

/** A one-time or fallback key as it was uploaded: `<algorithm>:<key id>` and its value. */
export interface UploadedKey {
  algorithm: string
  keyId: string
  key: string
}

/** The one algorithm whose counts clients look for: it is always told. */
export const SIGNED_CURVE25519 = 'signed_curve25519'

/** Far above what any client makes, and far below what would trouble the server. In characters of JSON. */
const MAX_DEVICE_KEYS = 65_536
const MAX_KEY = 4_096
const KEY_NAME = /^([^:\0]{1,100}):([^:\0]{1,150})$/

/**
 * Checks the identity keys of a device. What is `unsigned` in them is the server's to say.
 * @throws MatrixError M_BAD_JSON if these are not a device's keys, M_INVALID_PARAM if they belong to another device,
 *   M_TOO_LARGE
 */
export function checkDeviceKeys(keys: JsonObject, userId: string, deviceId: string): JsonObject {
  if (!isListOfTexts(keys.algorithms) || !isMapOfTexts(keys.keys) || !areSignatures(keys.signatures)) {
    throw new MatrixError(
      'M_BAD_JSON',
      'device_keys must have a list of strings as algorithms, and objects of strings as keys and signatures',
    )
  }
  if (keys.user_id !== userId || keys.device_id !== deviceId) {
    throw new MatrixError('M_INVALID_PARAM', 'device_keys must name the user and the device of this session')
  }
  const { unsigned: _, ...kept } = keys
  if (canonicalJson(kept).length > MAX_DEVICE_KEYS) {
    throw new MatrixError('M_TOO_LARGE', `device_keys must not have more than ${MAX_DEVICE_KEYS} characters`)
  }
  return kept
}

function isListOfTexts(value: JsonValue | undefined): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isMapOfTexts(value: JsonValue | undefined): boolean {
  const map = objectField(value)
  return map !== undefined && Object.values(map).every((item) => typeof item === 'string')
}

/** An empty object counts as no keys. */
function areSignatures(value: JsonValue | undefined): boolean {
  if (value === undefined) return true
  const byUser = objectField(value)
  return byUser !== undefined && Object.values(byUser).every(isMapOfTexts)
}

/** The key a device signs with. */
export function deviceSigningKey(keys: JsonObject, deviceId: string): string | undefined {
  const all = objectField(keys.keys)
  const name = `ed25519:${deviceId}`
  return all !== undefined && Object.hasOwn(all, name) ? stringField(all[name]) : undefined
}

/**
 * Checks one-time or fallback keys.
 * @throws MatrixError M_INVALID_PARAM, M_BAD_JSON, M_TOO_LARGE
 */
export function checkUploadedKeys(keys: JsonObject): UploadedKey[] {
  return Object.entries(keys).map(([name, value]) => {
    const [, algorithm, keyId] = KEY_NAME.exec(name) ?? []
    if (algorithm === undefined || keyId === undefined) {
      throw new MatrixError('M_INVALID_PARAM', 'The name of a key must be <algorithm>:<key id>')
    }
    if (!isKey(value)) {
      throw new MatrixError('M_BAD_JSON', `${name} must be a string, or an object with a string "key"`)
    }
    const key = canonicalJson(value)
    if (key.length > MAX_KEY)
      throw new MatrixError('M_TOO_LARGE', `${name} has more than ${MAX_KEY} characters`)
    return { algorithm, keyId, key }
  })
}

/** "May be either a string or an object". */
function isKey(value: JsonValue | undefined): value is JsonValue {
  return typeof value === 'string' || typeof objectField(value)?.key === 'string'
}

/** Whether two objects are the same but for their signatures and what is unsigned. */
export function sameSigned(a: JsonObject, b: JsonObject): boolean {
  return signedJson(a) === signedJson(b)
}

/** The object with further signatures of a user. */
export function withSignatures(
  value: JsonObject,
  userId: string,
  added: Readonly<Record<string, string>>,
): JsonObject {
  if (Object.keys(added).length === 0) return value
  const signatures = objectField(value.signatures) ?? {}
  const own = objectField(signatures[userId]) ?? {}
  return { ...value, signatures: { ...signatures, [userId]: { ...own, ...added } } }
}
