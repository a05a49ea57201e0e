import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'

/** The product's own types stand on the platform's, which Node does not know. */
const load = async <T>(path: string) => (await import(join(projectRoot, 'durable-objects', path))) as T
type Migrations = readonly string[]
const { freshTables } = await load<{ freshTables(migrations: Migrations): string }>('fresh-tables.ts')
const { USER_MIGRATIONS } = await load<{ USER_MIGRATIONS: Migrations }>('user/schema.ts')
const { ROOM_MIGRATIONS } = await load<{ ROOM_MIGRATIONS: Migrations }>('room/rows/schema.ts')
const { DESTINATION_MIGRATIONS } = await load<{ DESTINATION_MIGRATIONS: Migrations }>(
  'destination/rows/schema.ts',
)
const { PARTITION_MIGRATIONS } = await load<{ PARTITION_MIGRATIONS: Migrations }>('partition/rows/schema.ts')

/** The columns, keys and indexes of all tables, without their order. */
function schemaOf(statements: readonly string[]): unknown {
  const database = new DatabaseSync(':memory:')
  for (const statement of statements) database.exec(statement)
  const all = (query: string, ...values: string[]) => database.prepare(query).all(...values)
  const tables = all("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
  const schema = tables.map((table) => {
    const name = String(table.name)
    const indexes = all(
      'SELECT name, "unique", origin, partial FROM pragma_index_list(?) ORDER BY name',
      name,
    )
    return {
      name,
      // Hidden columns are the ones that a table WITHOUT ROWID has beside its own.
      columns: all(
        'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_xinfo(?) ORDER BY name',
        name,
      ),
      rowid: all('SELECT wr, strict FROM pragma_table_list WHERE name = ?', name),
      indexes: indexes.map((index) => ({
        ...index,
        columns: all('SELECT seqno, name, "desc", coll FROM pragma_index_xinfo(?)', String(index.name)),
      })),
    }
  })
  database.close()
  return schema
}

describe.each([
  ['User', USER_MIGRATIONS],
  ['Room', ROOM_MIGRATIONS],
  ['Partition', PARTITION_MIGRATIONS],
  ['Destination', DESTINATION_MIGRATIONS],
] as const)('the tables of a new %s', (_, migrations) => {
  it('are those of one that was brought up to date', () => {
    expect(schemaOf([freshTables(migrations)])).toEqual(schemaOf(migrations))
  })

  it('need no change of a table', () => {
    expect(freshTables(migrations)).not.toContain('ALTER TABLE')
  })

  it('have no text that the folding could take for the end of a statement or a remark', () => {
    for (const statement of freshTables(migrations).split(';')) {
      expect(statement.trim()).toMatch(/^(CREATE (UNIQUE )?(TABLE|INDEX) .*|INSERT INTO .*|)$/)
    }
  })
})

describe('a column that is added later', () => {
  it.each([
    ['CREATE TABLE a (x TEXT);', 'CREATE TABLE a (x TEXT, y INTEGER);'],
    [
      'CREATE TABLE a (x TEXT, PRIMARY KEY (x)) WITHOUT ROWID;',
      'CREATE TABLE a (x TEXT, y INTEGER, PRIMARY KEY (x)) WITHOUT ROWID;',
    ],
    ["CREATE TABLE a (x TEXT CHECK (x IN ('b')));", "CREATE TABLE a (x TEXT CHECK (x IN ('b')), y INTEGER);"],
    [
      'CREATE TABLE a (x TEXT, w TEXT, UNIQUE (x, w));',
      'CREATE TABLE a (x TEXT, w TEXT, y INTEGER, UNIQUE (x, w));',
    ],
  ])('stands within %s', (table, folded) => {
    expect(freshTables([table, 'ALTER TABLE a ADD COLUMN y INTEGER;'])).toBe(folded)
  })

  it('is refused where nothing makes its table', () => {
    expect(() => freshTables(['ALTER TABLE a ADD COLUMN y INTEGER;'])).toThrow(
      'No migration makes the table a',
    )
  })
})
