/** The tables of a new object, without the steps by which older objects came to them. */

/** A column that a later migration adds. */
const ADDED_COLUMN = /^ALTER TABLE (\w+) ADD COLUMN (.+)$/

const made = new WeakMap<readonly string[], string>()

/**
 * The migrations as one text, for an object that has no tables yet. Later columns stand in their tables at once: SQLite reads
 * the whole schema anew for each ALTER TABLE, and that was a third of the time of a new object. The text has no remarks,
 * since SQLite would keep them and read them at each start.
 *
 * @param migrations definitions of tables, in which no text has `;` or `--`
 * @returns SQL that leaves the same tables, columns and indexes as the migrations in turn
 */
export function freshTables(migrations: readonly string[]): string {
  let text = made.get(migrations)
  if (text === undefined) {
    text = fold(migrations)
    made.set(migrations, text)
  }
  return text
}

function fold(migrations: readonly string[]): string {
  const statements: string[] = []
  for (const statement of statementsOf(migrations)) {
    const [, table, column] = ADDED_COLUMN.exec(statement) ?? []
    if (table === undefined || column === undefined) {
      statements.push(statement)
      continue
    }
    const at = statements.findIndex((earlier) => earlier.startsWith(`CREATE TABLE ${table} (`))
    const definition = statements[at]
    if (definition === undefined) throw new Error(`No migration makes the table ${table}`)
    statements[at] = withColumn(definition, column)
  }
  return statements.map((statement) => `${statement};`).join('\n')
}

function statementsOf(migrations: readonly string[]): string[] {
  const bare = migrations.join('\n').replaceAll(/--[^\n]*/g, '')
  return bare
    .split(';')
    .map((statement) => statement.trim().replaceAll(/\s+/g, ' '))
    .filter((statement) => statement !== '')
}

/** The column comes last, but before what is said of the whole table. */
function withColumn(definition: string, column: string): string {
  const constraint = definition.search(/, (PRIMARY KEY|UNIQUE|CHECK) ?\(/)
  const end = constraint === -1 ? definition.lastIndexOf(')') : constraint
  return `${definition.slice(0, end).trimEnd()}, ${column}${definition.slice(end)}`
}
