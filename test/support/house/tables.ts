/** Whose tables are whose: each table of a User object has one file, in which all SQL over it stands. */
import type { SourceFile } from './shape.ts'
import { readTexts } from './syntax.ts'

/** What makes up a User object: its own files, and what it shares with other objects. */
const userFiles = /^durable-objects\/(user\/|[^/]+$)/

const made = /\bCREATE TABLE (?:IF NOT EXISTS )?(\w+)/g

/** Where a statement names a table; `?` is one that is named elsewhere. */
const named = /\b(?:FROM|JOIN|INTO|UPDATE|TABLE|INDEX \w+ ON) "?(\w+|\?)/g

/** Where a table is handed over by its name. */
const handed = /\bcoverTexts\(\s*[\w.#]+,\s*'(\w+)'/g

/** SQL is in capitals here, so that no sentence of a message is taken for it. */
const words = new Set(['SET', 'IF'])

/**
 * A sentence for each table of a User object that a file names in SQL without being the one that makes it.
 * @param exempt files that go over all tables, with the reason
 */
export function strayStatements(
  files: readonly SourceFile[],
  exempt: Readonly<Record<string, string>>,
): string[] {
  const texts = files
    .filter(({ path }) => userFiles.test(path))
    .map(({ path, source }) => ({ path, source, texts: readTexts(path, source) }))
  const owners = new Map(
    texts.flatMap(({ path, texts }) =>
      texts.flatMap((text) => matches(made, text).map((table) => [table, path])),
    ),
  )
  return texts.flatMap(({ path, source, texts }) => {
    if (path in exempt) return []
    const tables = [...texts.flatMap((text) => matches(named, text)), ...matches(handed, source)]
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

function matches(pattern: RegExp, text: string): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] as string)
}
