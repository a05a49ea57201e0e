/** What devices publish for encryption, and what of it must hold: Client-Server API §Key management API. */
import { canonicalJson, type JsonObject, type JsonValue } from './canonical-json.ts'
import { MatrixError } from './errors.ts'
import { objectField, stringField } from './json-fields.ts'
import { signatureOf, signedJson, verifySignature } from './signing.ts'

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
 * Checks the identity keys of a device, and keeps of their signatures the device's own.
 * @throws MatrixError M_BAD_JSON for what is no device's keys, M_INVALID_PARAM where they belong to another device,
 *   M_INVALID_SIGNATURE
 */
export function checkDeviceKeys(keys: JsonObject, userId: string, deviceId: string): JsonObject {
  if (!Array.isArray(keys.algorithms) || !objectField(keys.keys) || !objectField(keys.signatures)) {
    throw new MatrixError('M_BAD_JSON', 'device_keys: algorithms, keys and signatures are required')
  }
  if (keys.user_id !== userId || keys.device_id !== deviceId) {
    throw new MatrixError('M_INVALID_PARAM', 'device_keys: not of the user and device of this session')
  }
  const publicKey = deviceSigningKey(keys, deviceId)
  if (publicKey === undefined) {
    throw new MatrixError('M_INVALID_PARAM', `device_keys: there is no key ed25519:${deviceId}`)
  }
  const keyId = `ed25519:${deviceId}`
  const signature = signatureOf(keys, userId, keyId)
  if (signature === undefined || !verifySignature(keys, signature, publicKey)) {
    throw new MatrixError('M_INVALID_SIGNATURE', 'device_keys: not signed by the device itself')
  }
  const { unsigned: _, ...bare } = keys
  const kept: JsonObject = { ...bare, signatures: { [userId]: { [keyId]: signature } } }
  if (canonicalJson(kept).length > MAX_DEVICE_KEYS) {
    throw new MatrixError('M_TOO_LARGE', 'device_keys: too large')
  }
  return kept
}

/** The key a device signs with. */
export function deviceSigningKey(keys: JsonObject, deviceId: string): string | undefined {
  const all = objectField(keys.keys)
  const name = `ed25519:${deviceId}`
  return all !== undefined && Object.hasOwn(all, name) ? stringField(all[name]) : undefined
}

/**
 * Checks one-time or fallback keys.
 * @param device its identity keys, where they are known: what claims to be signed must be signed by them
 * @throws MatrixError M_INVALID_PARAM, M_BAD_JSON, M_INVALID_SIGNATURE
 */
export function checkUploadedKeys(
  keys: JsonObject,
  userId: string,
  deviceId: string,
  device: JsonObject | undefined,
): UploadedKey[] {
  const publicKey = device === undefined ? undefined : deviceSigningKey(device, deviceId)
  return Object.entries(keys).map(([name, value]) => {
    const [, algorithm, keyId] = KEY_NAME.exec(name) ?? []
    if (algorithm === undefined || keyId === undefined) {
      throw new MatrixError('M_INVALID_PARAM', 'A key is named <algorithm>:<key id>')
    }
    const key = canonicalJson(checkedValue(algorithm, value))
    if (key.length > MAX_KEY) throw new MatrixError('M_TOO_LARGE', `${name}: too large`)
    if (algorithm === SIGNED_CURVE25519 && publicKey !== undefined) {
      const signature = signatureOf(value as JsonObject, userId, `ed25519:${deviceId}`)
      if (signature === undefined || !verifySignature(value as JsonObject, signature, publicKey)) {
        throw new MatrixError('M_INVALID_SIGNATURE', `${name}: not signed by the device`)
      }
    }
    return { algorithm, keyId, key }
  })
}

/** "May be either a string or an object"; signed keys are objects. */
function checkedValue(algorithm: string, value: JsonValue | undefined): JsonValue {
  const object = objectField(value)
  const isFit = object === undefined ? typeof value === 'string' : typeof object.key === 'string'
  if (value === undefined || !isFit || (algorithm === SIGNED_CURVE25519 && object === undefined)) {
    throw new MatrixError('M_BAD_JSON', `${algorithm}: not a key`)
  }
  return value
}

/** Whether two objects are the same but for who has signed them, and what is unsigned. */
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
