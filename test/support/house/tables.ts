/** Whose tables are whose: each table of an object has one file, with the SQL that is its own and its one row type. */
import type { SourceFile } from './shape.ts'
import { readShapes, readTexts, type Shape } from './syntax.ts'

/** What makes up an object: its own files, and what it shares with the other one. */
const filesOf = {
  Room: /^durable-objects\/(room\/|[^/]+$)/,
  User: /^durable-objects\/(user\/|[^/]+$)/,
  Partition: /^durable-objects\/(partition\/|[^/]+$)/,
  Destination: /^durable-objects\/(destination\/|[^/]+$)/,
}

export type ObjectName = keyof typeof filesOf
export const OBJECTS = ['Room', 'User', 'Partition', 'Destination'] as const satisfies ObjectName[]

const made = /\bCREATE TABLE (?:IF NOT EXISTS )?(\w+)/g

/** Where a statement writes to a table, or changes it; `?` is one that is named elsewhere. */
const written = /\b(?:DELETE FROM|INTO|UPDATE|TABLE|INDEX \w+ ON) "?(\w+|\?)/g

/** Where a statement reads a table. */
const read = /\b(?:(?<!DELETE )FROM|JOIN) "?(\w+|\?)/g

/** Where a table is handed over by its name. */
const handed = /\bcoverTexts\(\s*[\w.#]+,\s*'(\w+)'/g

/** SQL is in capitals here, so that no sentence of a message is taken for it. */
const words = new Set(['SET', 'IF'])

/**
 * What must stand in the file that makes a table. A Room's events and state are joined with the other tables all over
 * its rows, so that only what is written has one place there.
 */
const ownStatements: Record<ObjectName, RegExp[]> = {
  Room: [written],
  User: [written, read],
  Partition: [written, read],
  Destination: [written, read],
}

interface Texts {
  path: string
  source: string
  texts: string[]
}

/**
 * A sentence for each table of an object that a file names in SQL without being the one that makes it.
 * @param exempt files that go over all tables, with the reason
 */
export function strayStatements(
  object: ObjectName,
  files: readonly SourceFile[],
  exempt: Readonly<Record<string, string>>,
): string[] {
  const all = textsOf(object, files)
  const owners = new Map(all.flatMap(({ path, texts }) => each(made, texts).map((table) => [table, path])))
  return all.flatMap(({ path, source, texts }) => {
    if (path in exempt) return []
    const statements = ownStatements[object].flatMap((pattern) => each(pattern, texts))
    const tables = [...statements, ...each(handed, [source])]
    return [...new Set(tables)]
      .filter((table) => !words.has(table) && isStray(table, path, owners))
      .map(
        (table) =>
          `${path}: the SQL over ${table} stands in ${owners.get(table) ?? 'the file that makes it'}`,
      )
  })
}

function isStray(table: string, path: string, owners: ReadonlyMap<string, string>): boolean {
  return table === '?' || (owners.has(table) && owners.get(table) !== path)
}

function textsOf(object: ObjectName, files: readonly SourceFile[]): Texts[] {
  return files
    .filter(({ path }) => filesOf[object].test(path))
    .map(({ path, source }) => ({ path, source, texts: readTexts(path, source) }))
}

function each(pattern: RegExp, texts: readonly string[]): string[] {
  return texts.flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1] as string))
}

interface Table {
  name: string
  /** The file that makes it. */
  path: string
  columns: ReadonlySet<string>
}

/** So many columns of one table are its row, and no shape that has the same names by chance. */
const ROW = 3

/**
 * A sentence for each type that spells out the row of a table a second time, or elsewhere than in the file that makes
 * the table, or without a name. Parts of a row are picked from its type.
 */
export function strayRows(object: ObjectName, files: readonly SourceFile[]): string[] {
  const tables = tablesOf(object, files)
  const taken = new Set<Table>()
  return files
    .filter(({ path }) => filesOf[object].test(path))
    .flatMap(({ path, source }) =>
      readShapes(path, source).flatMap((shape) => {
        const rows = tables.filter((table) => isRow(shape, table))
        if (rows.length === 0) return []
        const own = rows.filter((table) => table.path === path)
        const table = own.find((one) => !taken.has(one)) ?? own[0] ?? (rows[0] as Table)
        const what = `${path}: the row of ${table.name}`
        if (table.path !== path) return [`${what} is declared in ${table.path}`]
        if (shape.name === undefined) return [`${what} has no name`]
        if (taken.has(table)) return [`${what} is declared twice: ${shape.name}`]
        taken.add(table)
        return []
      }),
    )
}

function isRow({ members }: Shape, { columns }: Table): boolean {
  const isWhole = members.length > 1 && members.length === columns.size
  return (isWhole || members.length >= ROW) && members.every((name) => columns.has(name))
}

/** The tables of an object, each with the columns that it has by now. */
export function tablesOf(object: ObjectName, files: readonly SourceFile[]): Table[] {
  const all = textsOf(object, files).map(({ path, texts }) => ({
    path,
    statements: texts.map(withoutRemarks),
  }))
  const added = all.flatMap(({ statements }) =>
    statements.flatMap((text) => [...text.matchAll(/ALTER TABLE (\w+) ADD COLUMN (\w+)/g)]),
  )
  return all.flatMap(({ path, statements }) =>
    statements.flatMap((text) =>
      [...text.matchAll(/CREATE TABLE (?:IF NOT EXISTS )?(\w+) \(([^;]*)\)/g)].map(
        ([, name = '', list = '']) => ({
          name,
          path,
          columns: new Set([
            ...columnsIn(list),
            ...added.filter(([, table]) => table === name).map(([, , column = '']) => column),
          ]),
        }),
      ),
    ),
  )
}

const withoutRemarks = (text: string) => text.replaceAll(/--.*$/gm, '')

/** Keys over several columns stand beside the columns. */
const notColumns = new Set(['PRIMARY', 'UNIQUE'])

/** The names in the parentheses of a table, without what stands in parentheses of their own. */
function columnsIn(list: string): string[] {
  return list
    .replaceAll(/\([^()]*\)/g, '')
    .split(',')
    .map((part) => /^\s*(\w+)/.exec(part)?.[1] ?? '')
    .filter((name) => name !== '' && !notColumns.has(name))
}
