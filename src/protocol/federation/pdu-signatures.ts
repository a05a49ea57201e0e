/** Which servers must have signed an event, and whether they have. Server-Server API §Validating hashes and signatures. */
import type { JsonObject, JsonValue } from '../events/canonical-json.ts'
import type { Pdu } from '../events/event.ts'
import { isKeyId, verifyText } from '../events/signing.ts'
import { serverNameOf } from '../identifiers.ts'
import { objectField, stringField } from '../json-fields.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'

/** A key that an event is said to be signed by. */
export interface WantedKey {
  serverName: string
  keyId: string
  /** When the event was sent, by its own word: the key must have been valid then. */
  at: number
}

/** What is known of a key: its 32 bytes as base64, that it does not count at that time, or nothing yet. */
export type KeyLookup = (key: WantedKey) => string | 'invalid' | undefined

export type SignatureState =
  | { state: 'valid' }
  | { state: 'invalid'; serverName: string }
  /** One of these may make a server's signature valid. */
  | { state: 'missing keys'; keys: WantedKey[] }

/** Each signature costs a check and perhaps a request for its key, and servers sign with one or two keys. */
export const MAX_KEYS_A_SERVER = 5

/**
 * The servers that must have signed the event: the sender's, and that of a user who vouches for a join.
 *
 * The form that is kept counts as well as the one that came. The sender's server need not sign "if the event is a 3rd
 * party invite", which has a signature of its own; an invite that a wrong content hash makes into an ordinary one, by
 * redaction, would else need no signature at all. A voucher who is no user has no server, and so no signature.
 */
export function signersOf(received: Pdu, kept: Pdu, rules: RoomVersionRules): Set<string> {
  const signers = new Set<string>()
  for (const pdu of [received, kept]) {
    if (!isThirdPartyInvite(pdu)) signers.add(serverNameOf(pdu.sender))
    const voucher = voucherOf(pdu, rules)
    if (voucher !== undefined) signers.add(serverNameOf(stringField(voucher) ?? ''))
  }
  return signers
}

/** As the authorisation rules have it: whatever stands there, the rules of third-party invites are asked. */
function isThirdPartyInvite({ type, content }: Pdu): boolean {
  return (
    type === 'm.room.member' && content.membership === 'invite' && content.third_party_invite !== undefined
  )
}

function voucherOf({ type, content }: Pdu, rules: RoomVersionRules): JsonValue | undefined {
  if (!rules.restricted || type !== 'm.room.member' || content.membership !== 'join') return undefined
  return content.join_authorised_via_users_server
}

/**
 * Step 2: "Passes signature checks, otherwise it is dropped."
 * @param event with its signatures, and what they must sign
 */
export function checkSignatures(
  signers: Iterable<string>,
  event: { pdu: Pdu; reference: string },
  keys: KeyLookup,
): SignatureState {
  const missing: WantedKey[] = []
  for (const serverName of signers) {
    const signed = signatureOfServer(serverName, event, keys)
    if (signed.state === 'invalid') return signed
    if (signed.state === 'missing keys') missing.push(...signed.keys)
  }
  return missing.length === 0 ? { state: 'valid' } : { state: 'missing keys', keys: missing }
}

/** The keys without which nothing can be said of an event, by its own word. */
export function missingKeys(signers: Iterable<string>, pdu: Pdu, keys: KeyLookup): WantedKey[] {
  return [...signers].flatMap((serverName) => {
    const named = signaturesOf(pdu, serverName).map(([keyId]) => ({
      serverName,
      keyId,
      at: pdu.origin_server_ts,
    }))
    const isAnyHad = named.some((key) => ![undefined, 'invalid'].includes(keys(key)))
    return isAnyHad ? [] : named.filter((key) => keys(key) === undefined)
  })
}

/** "If a signature is from an unknown or expired key, it is skipped"; all others must be valid, and one must be there. */
function signatureOfServer(
  serverName: string,
  { pdu, reference }: { pdu: Pdu; reference: string },
  keys: KeyLookup,
): SignatureState {
  const missing: WantedKey[] = []
  let isSigned = false
  for (const [keyId, signature] of signaturesOf(pdu, serverName)) {
    const wanted = { serverName, keyId, at: pdu.origin_server_ts }
    const key = keys(wanted)
    if (key === undefined) missing.push(wanted)
    if (key === undefined || key === 'invalid') continue
    if (!verifyText(reference, signature, key)) return { state: 'invalid', serverName }
    isSigned = true
  }
  if (isSigned) return { state: 'valid' }
  return missing.length === 0 ? { state: 'invalid', serverName } : { state: 'missing keys', keys: missing }
}

/** The signatures of a server that are looked at. */
export function signaturesOf({ signatures }: Pdu, serverName: string): [keyId: string, signature: string][] {
  const all: JsonObject = signatures
  // Server names come from others: never look them up in a prototype.
  const own: JsonValue | undefined = Object.hasOwn(all, serverName) ? all[serverName] : undefined
  const found: [string, string][] = []
  for (const [keyId, signature] of Object.entries(objectField(own) ?? {})) {
    if (found.length === MAX_KEYS_A_SERVER) break
    if (isKeyId(keyId) && typeof signature === 'string') found.push([keyId, signature])
  }
  return found
}
