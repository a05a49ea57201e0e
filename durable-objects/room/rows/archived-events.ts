/** The tables `events` and `state` as the archive learns of them. */
import type { SqlReader } from '../../sqlite.ts'
import { type EventRow, JOINED_EVENT_COLUMNS } from './events.ts'
import type { StateRow } from './state.ts'

/** An event, and the entry of the state that it is: nulls, where it is none. */
export type ArchivedRow = EventRow & Pick<StateRow, 'value'> & { from_pos: number | null }

/** Events after a position, oldest first, read as far as somebody looks. */
export function archivedAfter(sql: SqlReader, pos: number, limit: number): Iterable<ArchivedRow> {
  return sql.exec<ArchivedRow>(
    `SELECT ${JOINED_EVENT_COLUMNS}, s.from_pos, s.value
     FROM events e LEFT JOIN state s ON s.type = e.type AND s.state_key = e.state_key AND s.from_pos = e.pos
     WHERE e.pos > ? ORDER BY e.pos LIMIT ?`,
    pos,
    limit,
  )
}
