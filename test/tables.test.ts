/** The check by which each table of an object has one file finds what breaks it: test/layering.test.ts runs it. */
import { describe, expect, it } from 'vitest'
import { type ObjectName, strayRows, strayStatements, tablesOf } from './support/house/tables.ts'

const owner = {
  path: 'durable-objects/user/a.ts',
  source: "export const A = 'CREATE TABLE IF NOT EXISTS a (x)'\nsql.exec('SELECT x FROM a')",
}
const ofRoom = { ...owner, path: 'durable-objects/room/rows/a.ts' }

const writes = [
  "sql.exec('DELETE FROM a')",
  "sql.exec('UPDATE a SET x = 1')",
  "sql.exec('INSERT INTO a (x) VALUES (?)', 1)",
  "const more = 'ALTER TABLE a ADD COLUMN z'",
  `sql.exec(\`DELETE FROM $\{table}\`)`,
  "coverTexts(sql, 'a', 'x')",
]
const reads = [
  'sql.exec(`SELECT y FROM b WHERE y IN (SELECT x FROM a)`)',
  'sql.exec(`SELECT y FROM b JOIN a USING (x)`)',
]

describe('what another file says over a table', () => {
  it.each([...writes, ...reads])('is found in a User: %s', (source) => {
    const other = { path: 'durable-objects/user/sync/b.ts', source }
    expect(strayStatements('User', [owner, other], {})).toEqual([expect.stringContaining(other.path)])
    expect(strayStatements('User', [owner, other], { [other.path]: 'it may' })).toEqual([])
  })

  it.each(writes)('is found in a Room where it writes: %s', (source) => {
    const other = { path: 'durable-objects/room/rows/tell/b.ts', source }
    expect(strayStatements('Room', [ofRoom, other], {})).toEqual([expect.stringContaining(other.path)])
  })

  it.each(reads)('may be a join of the rows of a Room: %s', (source) => {
    const other = { path: 'durable-objects/room/rows/tell/b.ts', source }
    expect(strayStatements('Room', [ofRoom, other], {})).toEqual([])
  })

  it.each([
    ['durable-objects/user/b.ts', "export const B = 'CREATE TABLE b (y)'\nsql.exec('SELECT y FROM b')"],
    ['durable-objects/user/b.ts', "// SELECT x FROM a\nthrow new Error('Update a row')"],
    ['durable-objects/room/rows/a.ts', "sql.exec('SELECT x FROM a')"],
  ])('is not found in %s: %s', (path, source) => {
    expect(strayStatements('User', [owner, { path, source }], {})).toEqual([])
  })
})

describe.each<[ObjectName, string]>([
  ['Room', 'durable-objects/room'],
  ['User', 'durable-objects/user'],
])('the row of a table of a %s', (object, folder) => {
  const table = `const T = \`
    -- The words of this remark, and (these), are no columns.
    CREATE TABLE t (
      a TEXT NOT NULL CHECK (a IN ('x', 'y')),
      b INTEGER, -- nor are these, by chance
      PRIMARY KEY (a, b)
    ) WITHOUT ROWID;
    CREATE TABLE pair (k TEXT PRIMARY KEY, v BLOB);
    ALTER TABLE t ADD COLUMN c TEXT;
    ALTER TABLE t ADD COLUMN d TEXT;
  \``
  const own = (source: string) => ({ path: `${folder}/rows/t.ts`, source: `${table}\n${source}` })
  const elsewhere = (source: string) => ({ path: `${folder}/tell/u.ts`, source })
  const row = 'export type Row = { a: string; b: number; c: string; d: string }'

  it('has the columns that were made with the table, and those that came later', () => {
    const columns = tablesOf(object, [own('')]).map(({ name, columns }) => [name, ...columns].join(' '))
    expect(columns).toEqual(['t a b c d', 'pair k v'])
  })

  it.each([
    row,
    'export interface Row extends Of<SqlStorageValue> { a: string; b: number; c: string; d: string }',
    'type Row = Base & { b: number; c: string; d: string }',
    'type Of = { a: string; b: number }\ntype Other = { a: string; b: number; z: string }',
    `${row}\ntype Part = Pick<Row, 'a' | 'b' | 'c'>\ntype Pair = { k: string; v: string }`,
  ])('stands once in its file: %s', (source) => {
    expect(strayRows(object, [own(source)])).toEqual([])
  })

  it.each([
    [`${row}\ntype Again = { a: string; b: number; c: string }`, 'declared twice: Again'],
    [`${row}\ninterface Again { d: string; c: string; b: number }`, 'declared twice: Again'],
    ['sql.exec<{ a: string; b: number; c: string }>(query)', 'has no name'],
    ['first<{ k: string; v: string }>(sql, query)', 'the row of pair has no name'],
  ])('is not spelt out a second time, nor without a name: %s', (source, sentence) => {
    expect(strayRows(object, [own(source)])).toEqual([expect.stringContaining(sentence)])
  })

  it.each([
    row,
    'const rows: { a: string; b: number; c: string }[] = []',
    'function f({ a }: { a: string; b: number; c: string }) {}',
    'type Pair = { k: string; v: string }',
  ])('is declared nowhere else: %s', (source) => {
    const sentence = expect.stringContaining(`is declared in ${folder}/rows/t.ts`)
    expect(strayRows(object, [own(''), elsewhere(source)])).toEqual([sentence])
  })
})
