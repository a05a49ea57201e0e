/** Checks many events of other servers at once, with the keys of all of them fetched together. */
import type { KeyRing } from '../ports/federation.ts'
import { checkPdu, keysWanted, type PduVerdict } from '../protocol/federation/pdu-checks.ts'
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
  const verdicts: PduVerdict[] = []
  const take = (index: number, verdict: PduVerdict) => {
    verdicts[index] = verdict
  }
  const many = { count: texts.length, textOf: (index: number) => texts[index]!, take }
  await checkMany(many, rules, keyRing, atOnce)
  return verdicts
}

/** More events than should be held at once. */
export interface ManyPdus {
  count: number
  /** Is asked anew each time that an event is looked at, and not after its verdict. */
  textOf(index: number): string
  take(index: number, verdict: PduVerdict): void
}

/** The same, of which nothing is kept here but what the keys that are missing are. */
export async function checkMany(
  { count, textOf, take }: ManyPdus,
  rules: RoomVersionRules,
  keyRing: KeyRing,
  atOnce?: number,
): Promise<void> {
  const options = { byTime: rules.enforcesKeyValidity }
  const collect = (wanted: WantedKeys) =>
    keyRing.collect(wanted.all, { ...options, ...(atOnce !== undefined && { atOnce }) })
  const known = keyRing.known(options)
  let index = 0
  for (; index < count; index += 1) {
    const verdict = checkPdu(textOf(index), rules, known)
    if (verdict.verdict === 'keys missing') break
    take(index, verdict)
  }
  if (index === count) return
  const wanted = new WantedKeys()
  for (let ahead = index; ahead < count; ahead += 1) wanted.add(keysWanted(textOf(ahead), rules, known))
  const collected = await collect(wanted)
  const open: number[] = []
  const more = new WantedKeys()
  for (; index < count; index += 1) {
    const verdict = checkPdu(textOf(index), rules, collected)
    const unasked = verdict.verdict === 'keys missing' ? verdict.keys.filter((key) => !wanted.has(key)) : []
    more.add(unasked)
    if (unasked.length > 0) open.push(index)
    else take(index, verdict)
  }
  if (open.length === 0) return
  const all = await collect(more)
  for (const left of open) take(left, checkPdu(textOf(left), rules, all))
}

/** Each key once, at the latest time for which it is asked: what it counts for then it counted for before. */
class WantedKeys {
  readonly #keys = new Map<string, WantedKey>()

  add(keys: readonly WantedKey[]): void {
    for (const key of keys) {
      const name = `${key.serverName} ${key.keyId}`
      const known = this.#keys.get(name)
      if (known === undefined || known.at < key.at) this.#keys.set(name, key)
    }
  }

  has({ serverName, keyId }: WantedKey): boolean {
    return this.#keys.has(`${serverName} ${keyId}`)
  }

  get all(): WantedKey[] {
    return [...this.#keys.values()]
  }
}
