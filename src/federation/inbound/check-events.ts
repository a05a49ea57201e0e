/** Steps 1 to 3 of the receipt of events, for many at once: the keys that are missing are asked for together. */
import type { ReceivedEvent } from '../../objects/room/federation.ts'
import type { KeyRing } from '../../ports/federation.ts'
import { type PduVerdict, readPdu } from '../../protocol/federation/pdu-checks.ts'
import type { RoomVersionRules } from '../../protocol/rooms/room-version.ts'
import { checkPdus } from '../pdu-batch.ts'

export interface CheckedEvents {
  good: ReceivedEvent[]
  /** Why the others may not be kept, by their ids; those that have no id are nowhere. */
  refused: Map<string, string>
}

/**
 * Checks events as they came, each as JSON without a number lost.
 * @param atOnce how many servers may be asked for keys at the same time
 */
export async function checkEvents(
  texts: readonly string[],
  rules: RoomVersionRules,
  { keyRing, atOnce }: { keyRing: KeyRing; atOnce: number },
): Promise<CheckedEvents> {
  const checked: CheckedEvents = { good: [], refused: new Map() }
  for (const [index, verdict] of (await checkPdus(texts, rules, keyRing, atOnce)).entries()) {
    if (verdict.verdict === 'good') {
      const { eventId, json, isRedacted } = verdict
      checked.good.push({ eventId, json, isRedacted })
      continue
    }
    const eventId = idOf(texts[index]!, rules)
    if (eventId !== undefined) checked.refused.set(eventId, reasonOf(verdict))
  }
  return checked
}

function reasonOf(verdict: Exclude<PduVerdict, { verdict: 'good' }>): string {
  if (verdict.verdict === 'dropped') return verdict.reason
  return `The keys of ${verdict.keys[0]?.serverName ?? 'its server'} cannot be had now`
}

/** The id of an event that may not be kept; undefined where not even its form is right. */
export function idOf(text: string, rules: RoomVersionRules): string | undefined {
  try {
    return readPdu(text, rules).eventId
  } catch {
    return undefined
  }
}
