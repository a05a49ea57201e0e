/**
 * Chain cover of the auth graph: each state event has a place (chain, seq), in which an event of a chain has all
 * lower ones of that chain in its auth chain; links name what it reaches in other chains. Whether one event is in
 * another's auth chain is then a few lookups, however long the room's history is.
 */
import { first, type SqlReader } from '../../../sqlite.ts'

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

export type ChainPlace = { chain: number; seq: number }

function placeOf(sql: SqlReader, eventId: string): ChainPlace | undefined {
  return first<ChainPlace>(
    sql,
    'SELECT chain, seq FROM events WHERE event_id = ? AND chain IS NOT NULL',
    eventId,
  )
}

function isLastOfChain(sql: SqlReader, { chain, seq }: ChainPlace): boolean {
  const query = 'SELECT 1 AS found FROM events WHERE chain = ? AND seq = ?'
  return first(sql, query, chain, seq + 1) === undefined
}

/**
 * Gives a new state event its place: behind an auth event that ends a chain, or else in a chain of its own. Stores the
 * links to its other auth events, except those that its chain reaches already.
 */
export function placeInChain(sql: SqlStorage, authEvents: readonly string[]): ChainPlace {
  const parents = authEvents.map((id) => placeOf(sql, id)).filter((place) => place !== undefined)
  const behind = parents.find((place) => isLastOfChain(sql, place))
  const place =
    behind === undefined ? { chain: nextChain(sql), seq: 1 } : { chain: behind.chain, seq: behind.seq + 1 }
  for (const parent of furthestByChain(parents)) {
    if (parent.chain === place.chain) continue
    if (behind !== undefined && linked(sql, behind, parent)) continue
    sql.exec(
      'INSERT INTO chain_links (chain, seq, to_chain, to_seq) VALUES (?, ?, ?, ?)',
      place.chain,
      place.seq,
      parent.chain,
      parent.seq,
    )
  }
  return place
}

function nextChain(sql: SqlStorage): number {
  const query = 'SELECT max(chain) AS chain FROM events WHERE chain IS NOT NULL'
  return (first<{ chain: number | null }>(sql, query)?.chain ?? 0) + 1
}

function furthestByChain(places: readonly ChainPlace[]): ChainPlace[] {
  const furthest = new Map<number, ChainPlace>()
  for (const place of places) {
    const known = furthest.get(place.chain)
    if (known === undefined || known.seq < place.seq) furthest.set(place.chain, place)
  }
  return [...furthest.values()]
}

/** Whether a direct link of `from`'s chain, at or below it, reaches `to`. */
function linked(sql: SqlReader, from: ChainPlace, to: ChainPlace): boolean {
  const query = `SELECT 1 AS found FROM chain_links
    WHERE chain = ? AND seq <= ? AND to_chain = ? AND to_seq >= ? LIMIT 1`
  return first(sql, query, from.chain, from.seq, to.chain, to.seq) !== undefined
}

/** Whether `ancestor` is in the auth chain of `eventId` (an event is not in its own). */
export function isInAuthChain(sql: SqlReader, ancestor: string, eventId: string): boolean {
  const target = placeOf(sql, ancestor)
  const start = placeOf(sql, eventId)
  if (target === undefined || start === undefined || ancestor === eventId) return false
  return reaches(sql, start, target)
}

function reaches(sql: SqlReader, start: ChainPlace, target: ChainPlace): boolean {
  const furthest = new Map<number, number>()
  const open = [start]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (place.chain === target.chain && place.seq >= target.seq) return true
    if ((furthest.get(place.chain) ?? 0) >= place.seq) continue
    furthest.set(place.chain, place.seq)
    const links = sql.exec<ChainPlace>(
      'SELECT to_chain AS chain, max(to_seq) AS seq FROM chain_links WHERE chain = ? AND seq <= ? GROUP BY to_chain',
      place.chain,
      place.seq,
    )
    open.push(...links)
  }
  return false
}
