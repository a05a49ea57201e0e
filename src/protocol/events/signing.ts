/** Signing JSON with ed25519, and checking such signatures. Appendices §Signing JSON. */
import { Buffer } from 'node:buffer'
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { decodeBase64, encodeBase64 } from '../base64.ts'
import { MatrixError } from '../errors.ts'
import { canonicalJson, type JsonObject, type JsonValue } from './canonical-json.ts'

/** A private key of this server, ready to sign. */
export interface SigningKey {
  /** The signing key identifier: `ed25519:x`. */
  id: string
  /** Unpadded base64 of the 32 bytes. */
  publicKey: string
  /** The signature of the message's UTF-8 bytes, as unpadded base64. */
  sign(message: string): string
}

/** DER around the 32 bytes of a raw key: RFC 8410 §7 (PKCS#8) and §4 (SPKI). */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64
const KEY_ID = /^ed25519:[A-Za-z0-9_]{1,255}$/

/** Whether the text is the id of an ed25519 key. Other algorithms are not known. */
export function isKeyId(text: string): boolean {
  return KEY_ID.test(text)
}

/** Makes a signing key of its 32-byte seed. */
export function signingKey(id: string, seedBase64: string): SigningKey {
  if (!isKeyId(id)) throw new MatrixError('M_INVALID_PARAM', `Not an ed25519 key id: ${id}`)
  const seed = decodeBase64(seedBase64)
  // The text of the seed stays out of the message.
  if (seed.length !== KEY_BYTES) throw new MatrixError('M_INVALID_PARAM', `The seed of ${id} is not 32 bytes`)
  const key = createPrivateKey({
    key: Buffer.concat([PRIVATE_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return {
    id,
    publicKey: encodeBase64(spki.subarray(PUBLIC_PREFIX.length)),
    sign: (message) => encodeBase64(sign(null, Buffer.from(message), key)),
  }
}

/** Adds this server's signature, beside those that are there. `unsigned` is kept and not covered. */
export function signJson<T extends JsonObject>(value: T, serverName: string, key: SigningKey): T {
  const signatures = asObject(value.signatures)
  const signature = key.sign(signedJson(value))
  return {
    ...value,
    signatures: { ...signatures, [serverName]: { ...asObject(signatures[serverName]), [key.id]: signature } },
  }
}

/** Whether the object carries a valid signature of that server by that key. What is malformed is not valid. */
export function verifyJson(
  value: JsonObject,
  serverName: string,
  keyId: string,
  publicKeyBase64: string,
): boolean {
  const signature = signatureOf(value, serverName, keyId)
  return signature !== undefined && isKeyId(keyId) && verifySignature(value, signature, publicKeyBase64)
}

/** The signature of an entity, a server or a user, by one of its keys. */
export function signatureOf(value: JsonObject, entity: string, keyId: string): string | undefined {
  const signature = ownMember(asObject(ownMember(asObject(value.signatures), entity)), keyId)
  return typeof signature === 'string' ? signature : undefined
}

/** Whether an ed25519 signature is that of the object by this key. What is malformed is not valid. */
export function verifySignature(value: JsonObject, signature: string, publicKeyBase64: string): boolean {
  return validUnlessMalformed(() => verifyText(signedJson(value), signature, publicKeyBase64))
}

/** Whether an ed25519 signature is that of a text by this key. What is malformed is not valid. */
export function verifyText(text: string, signature: string, publicKeyBase64: string): boolean {
  return validUnlessMalformed(() => {
    const bytes = decodeBase64(signature)
    if (bytes.length !== SIGNATURE_BYTES) return false
    return verify(null, Buffer.from(text), verifyKey(publicKeyBase64), bytes)
  })
}

function validUnlessMalformed(check: () => boolean): boolean {
  try {
    return check()
  } catch (error) {
    if (error instanceof MatrixError) return false
    throw error
  }
}

/** What a signature covers: the object without `signatures` and `unsigned`. */
export function signedJson(value: JsonObject): string {
  return canonicalJson({ ...value, signatures: undefined, unsigned: undefined })
}

/** The keys that were used last: a batch of events is most often signed by few, and making one ready takes a while. */
const ready = new Map<string, KeyObject>()
const MOST_READY = 500

function verifyKey(publicKeyBase64: string): KeyObject {
  const known = ready.get(publicKeyBase64)
  if (known !== undefined) return known
  const key = readyKey(publicKeyBase64)
  if (ready.size === MOST_READY) ready.clear()
  ready.set(publicKeyBase64, key)
  return key
}

function readyKey(publicKeyBase64: string): KeyObject {
  const raw = decodeBase64(publicKeyBase64)
  if (raw.length !== KEY_BYTES) throw new MatrixError('M_INVALID_PARAM', 'A public key has 32 bytes')
  return createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, raw]), format: 'der', type: 'spki' })
}

function asObject(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}

/** Server names and key ids come from others: never look them up in a prototype. */
function ownMember(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}
