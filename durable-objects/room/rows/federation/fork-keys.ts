/** The keys at which states of a room may differ, and what the room's intervals say of them: one statement for all. */
import { StateKeyMap } from '../../../../src/protocol/state-resolution/state-keys.ts'
import type { SqlReader } from '../../../sqlite.ts'
import type { StateRow } from '../state/state.ts'
import type { StatePlace } from './state-groups.ts'

type KeyRow = Pick<StateRow, 'type' | 'state_key'> & { event_id: string | null }

/** The intervals that begin or end after the first position, up to the second, and what the groups change over them. */
const KEYS = `WITH RECURSIVE below (id, base_group) AS (
    SELECT id, base_group FROM state_group WHERE id IN (SELECT value FROM json_each(?1))
    UNION SELECT g.id, g.base_group FROM below JOIN state_group g ON g.id = below.base_group
  ), k (type, state_key) AS (
    SELECT type, state_key FROM state WHERE from_pos > ?2 AND from_pos <= ?3
    UNION SELECT type, state_key FROM state WHERE to_pos > ?2 AND to_pos <= ?3
    UNION SELECT d.type, d.state_key FROM below JOIN state_delta d ON d.group_id = below.id
  )` as const

/** What the intervals have at a key just after a position. A key may have very many, of which only the last counts. */
const STANDING = `SELECT CASE WHEN to_pos IS NULL OR to_pos > ?4 THEN event_id END FROM state s
  WHERE s.type = k.type AND s.state_key = k.state_key AND s.from_pos <= ?4 ORDER BY s.from_pos DESC LIMIT 1` as const

/** The keys at which these places may differ from each other, and from the intervals at the position `upTo`. */
export class ForkKeys {
  readonly #sql: SqlReader
  readonly #bindings: [groups: string, after: number, upTo: number]
  /** By position: branches often stand on the same one. */
  readonly #read = new Map<number, StateKeyMap<string | undefined>>()

  constructor(sql: SqlReader, places: readonly StatePlace[], upTo: number) {
    this.#sql = sql
    const groups = places.map(({ group }) => group).filter((group) => group !== null)
    this.#bindings = [JSON.stringify(groups), Math.min(...places.map(({ pos }) => pos)), upTo]
  }

  /** Each of the keys, with the event that the intervals have there just after a position. */
  at(pos: number): StateKeyMap<string | undefined> {
    const known = this.#read.get(pos) ?? this.#standingAt(pos)
    this.#read.set(pos, known)
    return known
  }

  #standingAt(pos: number): StateKeyMap<string | undefined> {
    const standing = new StateKeyMap<string | undefined>()
    const query = `${KEYS} SELECT k.type, k.state_key, (${STANDING}) AS event_id FROM k` as const
    for (const { type, state_key, event_id } of this.#sql.exec<KeyRow>(query, ...this.#bindings, pos))
      standing.set(type, state_key, event_id ?? undefined)
    return standing
  }
}
