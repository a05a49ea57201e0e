/**
 * What resolution reads of a room. A statement costs more than the row that it finds. One statement therefore reads up to
 * 200 events of a conflict, and another one their links.
 */
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import type {
  AuthChains,
  ChainLink,
  ChainPlace,
  ChainRange,
} from '../../../../src/protocol/state-resolution/auth-chains.ts'
import type { ResolutionSource, StateEvent } from '../../../../src/protocol/state-resolution/source.ts'
import { first, type SqlReader } from '../../../sqlite.ts'
import type { EventRow } from '../events/events.ts'
import { FLAGS } from '../events/flags.ts'
import { linksBelow, StoredChains } from '../state/auth-chain.ts'
import { judgedPdu } from './judged-contents.ts'

type ReadRow = Pick<EventRow, 'event_id' | 'pdu'> & {
  flags: number
  chain: number | null
  seq: number | null
  judged_content: string | null
}

const COLUMNS = 'e.event_id, e.pdu, e.flags, e.chain, e.seq, j.content AS judged_content'

/** Events, or chains, of one statement. */
const AT_ONCE = 200

/** The types of which the authorisation rules read the content. */
const JUDGED_BY_CONTENT: ReadonlySet<string> = new Set([
  'm.room.create',
  'm.room.join_rules',
  'm.room.member',
  'm.room.power_levels',
  'm.room.third_party_invite',
])

const NOTHING = Object.freeze({})

/** A chain from its first event up to a place. */
interface Chain {
  top: number
  /** By sequence, those of the conflict alone. */
  events: string[]
  /** By the sequence at which they start, all up to the top. */
  links: ChainLink[][]
}

export class ReadAhead implements ResolutionSource {
  readonly chains: AuthChains
  /** How many events were read: what a resolution costs. */
  read = 0
  readonly #sql: SqlReader
  readonly #events = new Map<string, StateEvent>()

  constructor(sql: SqlReader, conflicted: Iterable<string>) {
    this.#sql = sql
    const known = new KnownChains(new StoredChains(sql))
    for (const ids of inParts([...new Set(conflicted)])) {
      const query = `SELECT ${COLUMNS} FROM json_each(?) i JOIN events e ON e.event_id = i.value
        LEFT JOIN judged_contents j ON j.event_id = e.event_id` as const
      for (const row of sql.exec<ReadRow>(query, JSON.stringify(ids))) {
        this.#events.set(row.event_id, this.#stateEvent(row))
        if (row.chain !== null && row.seq !== null)
          known.place(row.event_id, { chain: row.chain, seq: row.seq })
      }
    }
    for (const tops of inParts(known.tops)) for (const link of linksBelow(sql, tops)) known.link(link)
    this.chains = known
  }

  event(eventId: string): StateEvent | undefined {
    const query = `SELECT ${COLUMNS} FROM events e LEFT JOIN judged_contents j ON j.event_id = e.event_id
      WHERE e.event_id = ?` as const
    const known = this.#events.get(eventId)
    if (known !== undefined) return known
    const row = first<ReadRow>(this.#sql, query, eventId)
    return row && this.#stateEvent(row)
  }

  /** Without the contents that no rule reads: those of a conflict may be as large as its senders like. */
  #stateEvent(row: ReadRow): StateEvent {
    this.read += 1
    const { content, ...pdu } = judgedPdu(row)
    const judged: Pdu = { ...pdu, content: JUDGED_BY_CONTENT.has(pdu.type) ? content : NOTHING }
    return { eventId: row.event_id, pdu: judged, rejected: row.flags === FLAGS.rejected }
  }
}

function inParts<T>(items: readonly T[]): T[][] {
  const parts: T[][] = []
  for (let at = 0; at < items.length; at += AT_ONCE) parts.push(items.slice(at, at + AT_ONCE))
  return parts
}

/** The stored cover, of which the chains below the conflicted events are known. */
class KnownChains implements AuthChains {
  readonly #stored: AuthChains
  readonly #places = new Map<string, ChainPlace>()
  readonly #chains = new Map<number, Chain>()

  constructor(stored: AuthChains) {
    this.#stored = stored
  }

  place(eventId: string, place: ChainPlace): void {
    const chain = this.#chains.get(place.chain) ?? { top: 0, events: [], links: [] }
    this.#chains.set(place.chain, chain)
    this.#places.set(eventId, place)
    chain.events[place.seq] = eventId
    chain.top = Math.max(chain.top, place.seq)
  }

  link(link: ChainLink): void {
    const { links } = this.#chains.get(link.from.chain)!
    const there = links[link.from.seq]
    if (there === undefined) links[link.from.seq] = [link]
    else there.push(link)
  }

  /** The highest place that is known of each chain. */
  get tops(): ChainPlace[] {
    return [...this.#chains].map(([chain, { top }]) => ({ chain, seq: top }))
  }

  placeOf(eventId: string): ChainPlace | undefined {
    return this.#places.get(eventId) ?? this.#stored.placeOf(eventId)
  }

  *eventsIn({ chain, from, to }: ChainRange): Iterable<string> {
    const known = this.#chains.get(chain)?.events
    let seq = to
    for (let eventId = known?.[seq]; eventId !== undefined && seq >= from; eventId = known?.[--seq])
      yield eventId
    if (seq >= from) yield* this.#stored.eventsIn({ chain, from, to: seq })
  }

  linksFrom(range: ChainRange): Iterable<ChainLink> {
    const known = this.#chains.get(range.chain)
    return known === undefined || range.to > known.top
      ? this.#stored.linksFrom(range)
      : known.links.slice(range.from, range.to + 1).flat()
  }

  linksInto(range: ChainRange): Iterable<ChainLink> {
    return this.#stored.linksInto(range)
  }
}
