/** Adds signatures to an event that is signed already: those of the servers that must agree to it. */
import { canonicalJson, type JsonObject } from '../events/canonical-json.ts'
import type { Pdu } from '../events/event.ts'
import { eventJson, referenceJson } from '../events/event-hash.ts'
import { parseExactJson } from '../events/exact-json.ts'
import type { SigningKey } from '../events/signing.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'

/** The event's canonical JSON with a server's signature by its key, beside those that are there. */
export function signedAlso(
  json: string,
  rules: RoomVersionRules,
  { serverName, key }: { serverName: string; key: SigningKey },
): string {
  const pdu = exactPdu(json)
  return withSignatures(json, rules, {
    serverName,
    signatures: { [key.id]: key.sign(referenceJson(pdu, rules)) },
  })
}

/** The same with signatures that another server has made. */
export function withSignatures(
  json: string,
  rules: RoomVersionRules,
  { serverName, signatures }: { serverName: string; signatures: Record<string, string> },
): string {
  const pdu = exactPdu(json)
  const all: JsonObject = pdu.signatures
  const own = Object.hasOwn(all, serverName) ? (all[serverName] as JsonObject) : {}
  const merged = Object.fromEntries([...Object.entries(all), [serverName, { ...own, ...signatures }]])
  return eventJson({ ...pdu, signatures: merged }, rules)
}

/** With the numbers that JSON.parse would lose. */
function exactPdu(json: string): Pdu {
  return parseExactJson(json) as JsonObject as Pdu
}

/** An event of a request whose numbers are exact, as the text that is checked. */
export function textOfExact(event: JsonObject): string {
  return canonicalJson(event, 'any')
}
