/** Takes things out of an object's own tables for good: all of them, or a text that must leave nothing behind. */

/**
 * Deletes every row but the schema's number, inside the caller's transaction.
 * @param kept tables that stay as they are
 */
export function wipeTables(sql: SqlStorage, kept: readonly string[] = []): void {
  const tables = sql
    .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'meta'")
    .toArray()
    .map(({ name }) => name)
    // The platform keeps tables of its own beside ours.
    .filter((name) => !name.startsWith('sqlite_') && !name.startsWith('_cf_') && !kept.includes(name))
  for (const name of tables) sql.exec(`DELETE FROM "${name}"`)
  sql.exec("DELETE FROM meta WHERE key != 'schema'")
}

/**
 * Covers a column's texts with blanks of the same length, before their rows are deleted: SQLite leaves a deleted
 * row lying about as free space, but overwrites one that keeps its length where it stands.
 */
export function coverTexts(
  sql: SqlStorage,
  table: string,
  column: string,
  where: { clause: string; values: SqlStorageValue[] } = { clause: '1', values: [] },
): void {
  // No step on the way is longer than the text: a value has at most 2 MB, and a text may have nearly as many.
  const length = `length(CAST("${column}" AS BLOB))`
  const blanks = `substr(replace(hex(zeroblob((${length} + 1) / 2)), '0', ' '), 1, ${length})`
  const update = `UPDATE "${table}" SET "${column}" = ${blanks} WHERE "${column}" IS NOT NULL`
  sql.exec(`${update} AND ${where.clause}`, ...where.values)
}
