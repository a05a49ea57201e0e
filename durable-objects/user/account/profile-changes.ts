/** The table `profile_changes`: which fields of the profile have changed, by the user's own log. */
import type { SqlReader } from '../../sqlite.ts'

export const PROFILE_CHANGES_TABLE = `
  -- One row a field, one that was taken away too.
  CREATE TABLE profile_changes (field TEXT PRIMARY KEY, own INTEGER NOT NULL) WITHOUT ROWID;
`

/** The fields that changed last are kept: a client that missed more of them has been away for long. */
const KEPT = 200

/** Notes that fields have changed, at a position of the own log. A row each. */
export function noteFields(sql: SqlStorage, fields: readonly string[], own: number): void {
  for (const field of fields)
    sql.exec('INSERT OR REPLACE INTO profile_changes (field, own) VALUES (?, ?)', field, own)
  sql.exec(
    `DELETE FROM profile_changes WHERE field NOT IN
       (SELECT field FROM profile_changes ORDER BY own DESC, field LIMIT ${KEPT})`,
  )
}

/** The fields with a change after one position of the own log, and up to another. */
export function fieldsChanged(sql: SqlReader, after: number, upTo: number): string[] {
  const query = 'SELECT field FROM profile_changes WHERE own > ? AND own <= ? ORDER BY own, field'
  return sql
    .exec<{ field: string }>(query, after, upTo)
    .toArray()
    .map(({ field }) => field)
}
