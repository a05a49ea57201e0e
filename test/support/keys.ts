/** Keys for encryption as a client makes them, signed for real. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { encodeBase64 } from '../../src/protocol/base64.ts'
import { canonicalJson, type JsonObject } from '../../src/protocol/events/canonical-json.ts'
import { type Client, must } from './client.ts'

export interface TestKey {
  publicKey: string
  sign(value: JsonObject): string
}

export function makeKey(): TestKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  return { publicKey: encodeBase64(raw), sign: (value) => signature(value, privateKey) }
}

function signature({ signatures: _, unsigned: __, ...bare }: JsonObject, key: KeyObject): string {
  return encodeBase64(sign(null, Buffer.from(canonicalJson(bare)), key))
}

/** The object with one more signature of a user. */
export function signed(value: JsonObject, userId: string, keyId: string, key: TestKey): JsonObject {
  const all = (value.signatures ?? {}) as Record<string, JsonObject>
  return {
    ...value,
    signatures: { ...all, [userId]: { ...all[userId], [`ed25519:${keyId}`]: key.sign(value) } },
  }
}

export interface TestDevice {
  key: TestKey
  keys: JsonObject
  /** One-time keys with ids from a number on. */
  oneTimeKeys(count: number, from?: number): JsonObject
  fallbackKey(): JsonObject
}

/** What a client's device publishes. */
export function makeDevice({ userId, deviceId }: Pick<Client, 'userId' | 'deviceId'>): TestDevice {
  const key = makeKey()
  const keys = signed(
    {
      user_id: userId,
      device_id: deviceId,
      algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
      keys: { [`ed25519:${deviceId}`]: key.publicKey, [`curve25519:${deviceId}`]: makeKey().publicKey },
    },
    userId,
    deviceId,
    key,
  )
  const oneTimeKeys = (count: number, from = 0) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [
        `signed_curve25519:K${from + index}`,
        signed({ key: makeKey().publicKey }, userId, deviceId, key),
      ]),
    )
  const fallbackKey = () => ({
    'signed_curve25519:F': signed({ key: makeKey().publicKey, fallback: true }, userId, deviceId, key),
  })
  return { key, keys, oneTimeKeys, fallbackKey }
}

/** Somebody new, whose device has published its keys. */
export async function withKeys(
  someone: () => Promise<Client>,
  oneTimeKeys = 0,
): Promise<{ client: Client; device: TestDevice }> {
  const client = await someone()
  const device = makeDevice(client)
  const body = { device_keys: device.keys, one_time_keys: device.oneTimeKeys(oneTimeKeys) }
  must(await client.post('/keys/upload', body))
  return { client, device }
}

/** The body of a claim of one key of a client's device. */
export const claimOf = ({ userId, deviceId }: Client): JsonObject => ({
  one_time_keys: { [userId]: { [deviceId]: 'signed_curve25519' } },
})

export interface CrossSigning {
  master: TestKey
  selfSigning: TestKey
  userSigning: TestKey
  /** The body of /keys/device_signing/upload. */
  body: { master_key: JsonObject; self_signing_key: JsonObject; user_signing_key: JsonObject }
}

export function makeCrossSigning(userId: string): CrossSigning {
  const [master, selfSigning, userSigning] = [makeKey(), makeKey(), makeKey()]
  const key = (usage: string, { publicKey }: TestKey): JsonObject => ({
    user_id: userId,
    usage: [usage],
    keys: { [`ed25519:${publicKey}`]: publicKey },
  })
  const body = {
    master_key: key('master', master),
    self_signing_key: signed(key('self_signing', selfSigning), userId, master.publicKey, master),
    user_signing_key: signed(key('user_signing', userSigning), userId, master.publicKey, master),
  }
  return { master, selfSigning, userSigning, body }
}
