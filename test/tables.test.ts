/** The check by which a User object's tables have one file each finds what breaks it: test/layering.test.ts runs it. */
import { expect, it } from 'vitest'
import { strayStatements } from './support/house/tables.ts'

const owner = {
  path: 'durable-objects/user/a.ts',
  source: "export const A = 'CREATE TABLE IF NOT EXISTS a (x)'\nsql.exec('SELECT x FROM a')",
}

it.each([
  "sql.exec('DELETE FROM a')",
  "sql.exec('UPDATE a SET x = 1')",
  "sql.exec('INSERT INTO a (x) VALUES (?)', 1)",
  'sql.exec(`SELECT y FROM b WHERE y IN (SELECT x FROM a)`)',
  'sql.exec(`SELECT y FROM b JOIN a USING (x)`)',
  "const more = 'ALTER TABLE a ADD COLUMN z'",
  `sql.exec(\`DELETE FROM $\{table}\`)`,
  "coverTexts(sql, 'a', 'x')",
])('finds what another file says over a table: %s', (source) => {
  const other = { path: 'durable-objects/user/sync/b.ts', source }
  expect(strayStatements([owner, other], {})).toEqual([expect.stringContaining(other.path)])
  expect(strayStatements([owner, other], { [other.path]: 'it may' })).toEqual([])
})

it.each([
  ['durable-objects/user/b.ts', "export const B = 'CREATE TABLE b (y)'\nsql.exec('SELECT y FROM b')"],
  ['durable-objects/user/b.ts', "// SELECT x FROM a\nthrow new Error('Update a row')"],
  ['durable-objects/room/rows/a.ts', "sql.exec('SELECT x FROM a')"],
])('finds nothing in %s: %s', (path, source) => {
  expect(strayStatements([owner, { path, source }], {})).toEqual([])
})
