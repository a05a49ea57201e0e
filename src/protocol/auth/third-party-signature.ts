/** The signature of an invite that redeems one to an e-mail address or a telephone number. */
import type { JsonObject } from '../events/canonical-json.ts'
import { verifyJson } from '../events/signing.ts'
import { objectField, stringField } from '../json-fields.ts'

/** Each pair of a signature and a key costs a check of a signature, and both lists are written by others. */
const MAX_KEYS = 10
const MAX_SIGNATURES = 10

/**
 * "If any signature in `signed` matches any public key in the `m.room.third_party_invite` event, allow. The public keys
 * are in `content` of `m.room.third_party_invite` as: a single public key in the `public_key` property; a list of public
 * keys in the `public_keys` property."
 *
 * @param signed `third_party_invite.signed` of the member event
 * @param offer the content of the m.room.third_party_invite event
 */
export function isThirdPartyInviteSigned(signed: JsonObject, offer: JsonObject): boolean {
  const keys = publicKeysOf(offer)
  const signatures = signaturesOf(signed)
  return keys.some((key) => signatures.some(({ server, keyId }) => verifyJson(signed, server, keyId, key)))
}

function publicKeysOf(offer: JsonObject): string[] {
  const { public_keys: listed } = offer
  const keys = [offer.public_key]
  if (Array.isArray(listed)) {
    for (const entry of listed.slice(0, MAX_KEYS)) keys.push(objectField(entry)?.public_key)
  }
  return keys.map(stringField).filter((key) => key !== undefined)
}

function signaturesOf(signed: JsonObject): { server: string; keyId: string }[] {
  const found: { server: string; keyId: string }[] = []
  for (const [server, byKey] of Object.entries(objectField(signed.signatures) ?? {})) {
    for (const keyId of Object.keys(objectField(byKey) ?? {})) {
      if (found.length === MAX_SIGNATURES) return found
      if (keyId.startsWith('ed25519:')) found.push({ server, keyId })
    }
  }
  return found
}
