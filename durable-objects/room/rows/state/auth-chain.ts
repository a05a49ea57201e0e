/**
 * Chain cover of the auth graph: each state event has a place (chain, seq), in which an event of a chain has all
 * lower ones of that chain in its auth chain; links name what it reaches in other chains. Whether one event is in
 * another's auth chain is then a few lookups, however long the room's history is.
 */
import type { ChainPlace } from '../../../../src/protocol/state-resolution/auth-chains.ts'
import { type PlacedChains, placementOf } from '../../../../src/protocol/state-resolution/chain-cover.ts'
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
 * Gives a new state event its place, and stores its links. Auth events without a place are passed over: every event of
 * a room of this server has one.
 */
export function placeInChain(sql: SqlStorage, authEvents: readonly string[]): ChainPlace {
  const known = new Map<string, ChainPlace>()
  for (const id of authEvents) {
    const place = placeOf(sql, id)
    if (place !== undefined) known.set(id, place)
  }
  const chains: PlacedChains = {
    placeOf: (id) => known.get(id),
    isLastOfChain: (place) => isLastOfChain(sql, place),
    nextChain: () => nextChain(sql),
    isLinked: (from, to) => linked(sql, from, to),
  }
  const { place, links } = placementOf(chains, [...known.keys()])!
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

function nextChain(sql: SqlStorage): number {
  const query = 'SELECT max(chain) AS chain FROM events WHERE chain IS NOT NULL'
  return (first<{ chain: number | null }>(sql, query)?.chain ?? 0) + 1
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
