/** Steps 4 to 6 of the checks on receipt: what the room makes of an event of another server. */
import { checkAuthEvents } from '../../../../src/protocol/auth/event-auth.ts'
import { refusalIn, refusalOf } from '../../../../src/protocol/auth/received-auth.ts'
import type { IdentifiedPdu, Pdu, StateMap } from '../../../../src/protocol/events/event.ts'
import { StateKeyMap } from '../../../../src/protocol/state-resolution/state-keys.ts'
import type { RoomReader } from '../../context.ts'
import { FLAGS, type Verdict } from '../../rows/events/flags.ts'
import { judgedEvent } from '../../rows/events/judged-events.ts'
import { asJudged } from '../../rows/federation/judged-contents.ts'
import { identifiedEvent } from '../../rows/federation/states.ts'

export interface Judgement {
  verdict: Verdict
  /** Why the event is not accepted. */
  reason?: string
}

/** Events that many others cite, such as the power levels: read once in a call. */
export class CitedEvents {
  readonly #room: RoomReader
  readonly #kept = new Map<string, { flags: number; pdu: Pdu }>()

  constructor(room: RoomReader) {
    this.#room = room
  }

  /** Whether it was read: then it is there. */
  has(eventId: string): boolean {
    return this.#kept.has(eventId)
  }

  get(eventId: string): { flags: number; pdu: Pdu } | undefined {
    const kept = this.#kept.get(eventId)
    if (kept !== undefined) return kept
    const row = judgedEvent(this.#room.store.sql, eventId)
    if (row === undefined) return undefined
    const read = { flags: row.flags, pdu: asJudged(this.#room.store.sql, row) }
    if (this.#kept.size === MOST_CITED) this.#kept.clear()
    this.#kept.set(eventId, read)
    return read
  }

  /** The event is judged anew. */
  forget(eventId: string): void {
    this.#kept.delete(eventId)
  }
}

const MOST_CITED = 200

/**
 * @param before the state before the event; undefined: it is the room's own
 * @param options `isOld`: it comes after events that build on it, and the room as it is now does not judge it
 */
export function judge(
  room: RoomReader,
  pdu: Pdu,
  before: StateMap | undefined,
  { isOld = false, cited = new CitedEvents(room) }: { isOld?: boolean; cited?: CitedEvents } = {},
): Judgement {
  const { store } = room
  // Step 4.
  const byAuthEvents = refusedByAuthEvents(room, pdu, cited)
  if (byAuthEvents !== undefined) return { verdict: 'rejected', reason: byAuthEvents }
  // Step 5.
  const byState = refusalIn(store.rules, pdu, before ?? store)
  if (byState !== undefined) return { verdict: 'rejected', reason: byState }
  // Step 6.
  const byCurrent = before === undefined || isOld ? undefined : refusalIn(store.rules, pdu, store)
  return byCurrent === undefined ? { verdict: 'accepted' } : { verdict: 'soft-failed', reason: byCurrent }
}

/** Step 4 alone, for an event whose prev_events are not looked at. */
export function judgeOutlier(room: RoomReader, pdu: Pdu, cited: CitedEvents): Judgement {
  const reason = refusedByAuthEvents(room, pdu, cited)
  return reason === undefined ? { verdict: 'outlier' } : { verdict: 'rejected', reason }
}

/** "Passes authorization rules based on the event's auth events, otherwise it is rejected." They must all be there. */
function refusedByAuthEvents({ store }: RoomReader, pdu: Pdu, cited: CitedEvents): string | undefined {
  const authEvents: IdentifiedPdu[] = []
  for (const eventId of pdu.auth_events) {
    const event = cited.get(eventId)
    if (event === undefined) return 'an auth event is not there'
    // "Its auth_events … contains events that were themselves rejected."
    if (event.flags === FLAGS.rejected) return 'auth_events cites an event that was rejected'
    authEvents.push({ eventId, pdu: event.pdu })
  }
  return (
    refusalOf(() => checkAuthEvents(store.rules, pdu, authEvents)) ??
    refusalIn(store.rules, pdu, citedState(store, pdu, authEvents))
  )
}

/** From version 12 on the room id cites the create event. */
function citedState(store: RoomReader['store'], { type }: Pdu, cited: readonly IdentifiedPdu[]): StateMap {
  const byKey = new StateKeyMap<IdentifiedPdu>()
  const isImplied = store.rules.roomIdIsCreateHash && type !== 'm.room.create'
  const create = isImplied ? identifiedEvent(store.sql, `$${store.roomId.slice(1)}`) : undefined
  if (create !== undefined) byKey.set('m.room.create', '', create)
  for (const event of cited) byKey.set(event.pdu.type, event.pdu.state_key ?? '', event)
  return { get: (wanted, stateKey) => byKey.get(wanted, stateKey) }
}
