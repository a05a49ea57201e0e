/** The table `early_redactions`: redactions that came before the events that they name. */
import type { SqlReader } from '../../../sqlite.ts'

export const EARLY_REDACTIONS_TABLE = `
  CREATE TABLE early_redactions (
    target_id TEXT NOT NULL,
    redaction_id TEXT NOT NULL,
    PRIMARY KEY (target_id, redaction_id)
  ) WITHOUT ROWID;
`

type EarlyRedactionRow = { target_id: string; redaction_id: string }

export function noteEarlyRedaction(sql: SqlStorage, { target_id, redaction_id }: EarlyRedactionRow): void {
  sql.exec(
    'INSERT OR IGNORE INTO early_redactions (target_id, redaction_id) VALUES (?, ?)',
    target_id,
    redaction_id,
  )
}

/** The redactions that have waited for an event. */
export function earlyRedactionsOf(sql: SqlReader, targetId: string): string[] {
  const query = 'SELECT redaction_id FROM early_redactions WHERE target_id = ?'
  return sql
    .exec<Pick<EarlyRedactionRow, 'redaction_id'>>(query, targetId)
    .toArray()
    .map(({ redaction_id }) => redaction_id)
}

export function dropEarlyRedactions(sql: SqlStorage, targetId: string): void {
  sql.exec('DELETE FROM early_redactions WHERE target_id = ?', targetId)
}

/** Events that clients see and that redact others, each as it is stored. */
export function redactions(sql: SqlReader): Iterable<{ event_id: string; pdu: string }> {
  return sql.exec<{ event_id: string; pdu: string }>(
    "SELECT event_id, pdu FROM events WHERE type = 'm.room.redaction' AND flags = 0",
  )
}
