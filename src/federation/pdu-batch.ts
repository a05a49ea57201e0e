/** Checks many events of other servers at once, with the keys of all of them fetched together. */
import type { KeyRing } from '../ports/federation.ts'
import { checkPdu, type PduVerdict } from '../protocol/federation/pdu-checks.ts'
import type { WantedKey } from '../protocol/federation/pdu-signatures.ts'
import type { RoomVersionRules } from '../protocol/rooms/room-version.ts'

/**
 * Steps 1 to 3 of the checks on receipt, for each text by itself. The verdict of one whose keys cannot be had is that they
 * are missing.
 * @param atOnce how many servers may be asked for keys at the same time
 */
export async function checkPdus(
  texts: readonly string[],
  rules: RoomVersionRules,
  keyRing: KeyRing,
  atOnce?: number,
): Promise<PduVerdict[]> {
  const options = { byTime: rules.enforcesKeyValidity }
  const known = keyRing.known(options)
  const verdicts = texts.map((text) => checkPdu(text, rules, known))
  const wanted = verdicts.flatMap((verdict) => (verdict.verdict === 'keys missing' ? verdict.keys : []))
  if (wanted.length === 0) return verdicts
  const collected = await keyRing.collect(distinct(wanted), {
    ...options,
    ...(atOnce !== undefined && { atOnce }),
  })
  return verdicts.map((verdict, index) =>
    verdict.verdict === 'keys missing' ? checkPdu(texts[index]!, rules, collected) : verdict,
  )
}

/** Each key once, at the latest time for which it is asked: what it counts for then it counted for before. */
function distinct(wanted: readonly WantedKey[]): WantedKey[] {
  const keys = new Map<string, WantedKey>()
  for (const key of wanted) {
    const name = `${key.serverName} ${key.keyId}`
    const known = keys.get(name)
    if (known === undefined || known.at < key.at) keys.set(name, key)
  }
  return [...keys.values()]
}
