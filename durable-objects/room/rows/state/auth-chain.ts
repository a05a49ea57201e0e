/**
 * Chain cover of the auth graph: each state event has a place (chain, seq), in which an event of a chain has all
 * lower ones of that chain in its auth chain; links name what it reaches in other chains. Resolution reads it in both
 * directions, and a few look-ups do however long the room's history is.
 */
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import type {
  AuthChains,
  ChainLink,
  ChainPlace,
  ChainRange,
} from '../../../../src/protocol/state-resolution/auth-chains.ts'
import { type PlacedChains, placementOf } from '../../../../src/protocol/state-resolution/chain-cover.ts'
import { first, type SqlReader } from '../../../sqlite.ts'
import { type EventRow, setChain } from '../events/events.ts'

export const CHAIN_LINKS_TABLE = `
  -- Chain cover: what (chain, seq) reaches outside its own chain, but for what its predecessors reach.
  CREATE TABLE chain_links (
    chain INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    to_chain INTEGER NOT NULL,
    to_seq INTEGER NOT NULL,
    PRIMARY KEY (chain, seq, to_chain)
  ) WITHOUT ROWID;
`

/** Resolution asks what reaches a place. */
export const CHAIN_LINKS_INDEX = 'CREATE INDEX chain_links_into ON chain_links (to_chain, to_seq);'

type LinkRow = { chain: number; seq: number; to_chain: number; to_seq: number }

/** The stored cover, read as far as a walk looks. */
export class StoredChains implements AuthChains, PlacedChains {
  readonly #sql: SqlReader

  constructor(sql: SqlReader) {
    this.#sql = sql
  }

  placeOf(eventId: string): ChainPlace | undefined {
    const query = 'SELECT chain, seq FROM events WHERE event_id = ? AND chain IS NOT NULL'
    return first<ChainPlace>(this.#sql, query, eventId)
  }

  isLastOfChain({ chain, seq }: ChainPlace): boolean {
    const query = 'SELECT 1 AS found FROM events WHERE chain = ? AND seq = ?'
    return first(this.#sql, query, chain, seq + 1) === undefined
  }

  nextChain(): number {
    const query = 'SELECT max(chain) AS chain FROM events WHERE chain IS NOT NULL'
    return (first<{ chain: number | null }>(this.#sql, query)?.chain ?? 0) + 1
  }

  isLinked(from: ChainPlace, to: ChainPlace): boolean {
    const query = `SELECT 1 AS found FROM chain_links
      WHERE chain = ? AND seq <= ? AND to_chain = ? AND to_seq >= ? LIMIT 1`
    return first(this.#sql, query, from.chain, from.seq, to.chain, to.seq) !== undefined
  }

  *eventsIn({ chain, from, to }: ChainRange): Iterable<string> {
    const query = `SELECT event_id FROM events WHERE chain = ? AND seq >= ? AND seq <= ? ORDER BY seq DESC`
    for (const { event_id } of this.#sql.exec<{ event_id: string }>(query, chain, from, to)) yield event_id
  }

  *linksFrom({ chain, from, to }: ChainRange): Iterable<ChainLink> {
    const query = `SELECT chain, seq, to_chain, to_seq FROM chain_links
      WHERE chain = ? AND seq >= ? AND seq <= ? ORDER BY seq DESC`
    for (const row of this.#sql.exec<LinkRow>(query, chain, from, to)) yield linkOf(row)
  }

  *linksInto({ chain, from, to }: ChainRange): Iterable<ChainLink> {
    const query = `SELECT chain, seq, to_chain, to_seq FROM chain_links
      WHERE to_chain = ? AND to_seq >= ? AND to_seq <= ? ORDER BY to_seq DESC`
    for (const row of this.#sql.exec<LinkRow>(query, chain, from, to)) yield linkOf(row)
  }
}

/** The links that start at these places, or below them in their chains. */
export function* linksBelow(sql: SqlReader, places: readonly ChainPlace[]): Iterable<ChainLink> {
  const query = `SELECT l.chain, l.seq, l.to_chain, l.to_seq FROM json_each(?) p
    JOIN chain_links l ON l.chain = p.value ->> 'chain' AND l.seq <= p.value ->> 'seq'`
  for (const row of sql.exec<LinkRow>(query, JSON.stringify(places))) yield linkOf(row)
}

function linkOf({ chain, seq, to_chain, to_seq }: LinkRow): ChainLink {
  return { from: { chain, seq }, to: { chain: to_chain, seq: to_seq } }
}

const MOST_REMEMBERED = 1_000

/** The same, with what many events ask: an event keeps its place, and what follows it in its chain stays there. */
export class RememberedChains implements PlacedChains {
  readonly #stored: StoredChains
  readonly #places = new Map<string, ChainPlace>()
  readonly #followed = new WeakSet<ChainPlace>()

  constructor(sql: SqlReader) {
    this.#stored = new StoredChains(sql)
  }

  placeOf(eventId: string): ChainPlace | undefined {
    const known = this.#places.get(eventId)
    if (known !== undefined) return known
    const place = this.#stored.placeOf(eventId)
    if (place === undefined) return undefined
    if (this.#places.size === MOST_REMEMBERED) this.#places.clear()
    this.#places.set(eventId, place)
    return place
  }

  isLastOfChain(place: ChainPlace): boolean {
    if (this.#followed.has(place)) return false
    const isLast = this.#stored.isLastOfChain(place)
    if (!isLast) this.#followed.add(place)
    return isLast
  }

  nextChain(): number {
    return this.#stored.nextChain()
  }

  isLinked(from: ChainPlace, to: ChainPlace): boolean {
    return this.#stored.isLinked(from, to)
  }
}

/**
 * Gives a new state event its place, and stores its links. Null where an auth event has no place yet: a place without
 * the link to it would hide that link for good.
 */
export function placeInChain(
  sql: SqlStorage,
  authEvents: readonly string[],
  chains: PlacedChains = new StoredChains(sql),
): ChainPlace | null {
  const placement = placementOf(chains, authEvents)
  if (placement === undefined) return null
  const { place, links } = placement
  for (const to of links)
    sql.exec(
      'INSERT INTO chain_links (chain, seq, to_chain, to_seq) VALUES (?, ?, ?, ?)',
      place.chain,
      place.seq,
      to.chain,
      to.seq,
    )
  return place
}

/**
 * Gives places to state events that have none, each after its auth events: those of a rebuilt room do not come back in
 * that order. Answers the position up to which it looked; undefined: there are no more.
 */
export function placeUnplaced(
  sql: SqlStorage,
  { after, limit }: { after: number; limit: number },
): number | undefined {
  const rows = sql
    .exec<Pick<EventRow, 'pos' | 'event_id'>>(
      `SELECT pos, event_id FROM events WHERE pos > ? AND chain IS NULL AND state_key IS NOT NULL
       ORDER BY pos LIMIT ?`,
      after,
      limit,
    )
    .toArray()
  for (const { event_id } of rows) placeWithAuthEvents(sql, event_id)
  return rows.at(-1)?.pos
}

function placeWithAuthEvents(sql: SqlStorage, eventId: string): void {
  const seen = new Set<string>()
  const open = [eventId]
  for (let id = open.at(-1); id !== undefined; id = open.at(-1)) {
    const authEvents = unplacedAuthEvents(sql, id)
    const before = seen.has(id) ? [] : (authEvents ?? []).filter((auth) => !seen.has(auth))
    seen.add(id)
    if (before.length > 0) {
      open.push(...before)
      continue
    }
    open.pop()
    const place = authEvents === undefined ? null : placeInChain(sql, authEvents)
    if (place !== null) setChain(sql, id, place)
  }
}

/** The auth events of a state event that has no place; undefined for any other. */
function unplacedAuthEvents(sql: SqlReader, eventId: string): string[] | undefined {
  const query = 'SELECT pdu FROM events WHERE event_id = ? AND chain IS NULL AND state_key IS NOT NULL'
  const row = first<{ pdu: string }>(sql, query, eventId)
  return row && (JSON.parse(row.pdu) as Pdu).auth_events
}
