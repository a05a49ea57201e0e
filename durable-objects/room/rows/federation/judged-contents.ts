/**
 * The table `judged_contents`: of redacted state events what the rules read and the redaction took. Other servers judge
 * by it still, and the states of a room must be the same everywhere.
 */
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { first, type SqlReader } from '../../../sqlite.ts'

export const JUDGED_CONTENTS_TABLE = `
  CREATE TABLE judged_contents (
    event_id TEXT PRIMARY KEY,
    -- JSON.
    content TEXT NOT NULL
  ) WITHOUT ROWID;
`

export type JudgedContentRow = { event_id: string; content: string }
type JudgedPduRow = { pdu: string; judged_content: string | null }

/** What is kept of an event stays: a second redaction finds less. */
export function keepJudgedContent(sql: SqlStorage, { event_id, content }: JudgedContentRow): void {
  sql.exec('INSERT OR IGNORE INTO judged_contents (event_id, content) VALUES (?, ?)', event_id, content)
}

export function readJudgedContent(sql: SqlReader, eventId: string): JudgedContentRow | undefined {
  const query = 'SELECT event_id, content FROM judged_contents WHERE event_id = ?'
  return first<JudgedContentRow>(sql, query, eventId)
}

/** A stored event as the rules of the room judge by it, whether it was redacted or not. */
export function asJudged(sql: SqlReader, { event_id, pdu }: { event_id: string; pdu: string }): Pdu {
  return judgedPdu({ pdu, judged_content: readJudgedContent(sql, event_id)?.content ?? null })
}

/** The same, where what is kept of its content was read with it. */
export function judgedPdu({ pdu: json, judged_content: kept }: JudgedPduRow): Pdu {
  const pdu = JSON.parse(json) as Pdu
  return kept === null ? pdu : { ...pdu, content: JSON.parse(kept) as JsonObject }
}
