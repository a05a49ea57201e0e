/** Empties an object's own tables, for what is made again from the archive. */

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
