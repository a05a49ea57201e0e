/** Where a key of the state moved by no event of its own: a resolution moved it, or a join brought it. */
import type { SqlReader } from '../../../sqlite.ts'
import type { StateRow } from './state.ts'

export interface StateMove {
  /** From which position on. */
  at: number
  type: string
  stateKey: string
  /** Null: no event stands there from then on. */
  eventId: string | null
  /** The event by which it moved. */
  causeId: string
}

/** Moves stand in the archive in the order in which they came: their keys are as long as each other. */
export function moveKey(pos: number): string {
  return String(pos).padStart(16, '0')
}

type MoveRow = Pick<StateRow, 'type' | 'state_key'> & {
  at: number
  event_id: string | null
  cause_id: string | null
}

/** All moves, read from the intervals: those that no event of that position explains. */
export function movesOf(sql: SqlReader): StateMove[] {
  const query = `SELECT at, type, state_key, event_id, (SELECT event_id FROM events WHERE pos = at) AS cause_id FROM (
      SELECT s.from_pos AS at, s.type, s.state_key, s.event_id
      FROM state s LEFT JOIN events e ON e.pos = s.from_pos AND e.event_id = s.event_id WHERE e.pos IS NULL
      UNION ALL
      SELECT s.to_pos, s.type, s.state_key, NULL
      FROM state s LEFT JOIN state n ON n.type = s.type AND n.state_key = s.state_key AND n.from_pos = s.to_pos
      WHERE s.to_pos IS NOT NULL AND n.from_pos IS NULL
    ) ORDER BY at`
  return sql
    .exec<MoveRow>(query)
    .toArray()
    .map(({ at, type, state_key, event_id, cause_id }) => ({
      at,
      type,
      stateKey: state_key,
      eventId: event_id,
      causeId: cause_id ?? '',
    }))
}
