/** The shape of the house: no import leads back to its file, no file is too long, no folder too full. */
import { posix } from 'node:path'
import { readSyntax } from './syntax.ts'

export const MOST_LINES = 300
export const MOST_FILES = 25

export interface SourceFile {
  path: string
  source: string
}

/** What each file imports of the project, types included: they bind two files as values do. */
export function importGraph(files: readonly SourceFile[]): Map<string, Set<string>> {
  const known = new Set(files.map(({ path }) => path))
  return new Map(
    files.map(({ path, source }) => {
      const targets = readSyntax(path, source).imports.map(({ specifier }) =>
        posix.join(posix.dirname(path), specifier),
      )
      return [path, new Set(targets.filter((target) => known.has(target)))]
    }),
  )
}

/** A sentence for each import that leads back to its own file. */
export function circles(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return [...graph].flatMap(([from, targets]) =>
    [...targets].flatMap((to) => {
      const back = pathBetween(graph, to, from)
      return back ? [`no import leads back to its file: ${[from, ...back].join(' -> ')}`] : []
    }),
  )
}

/** The shortest way from one file to another along imports, both ends included. */
function pathBetween(
  graph: ReadonlyMap<string, ReadonlySet<string>>,
  start: string,
  end: string,
): string[] | undefined {
  const cameFrom = new Map<string, string | undefined>([[start, undefined]])
  for (const file of cameFrom.keys()) {
    if (file === end) return wayTo(file, cameFrom)
    for (const target of graph.get(file) ?? []) if (!cameFrom.has(target)) cameFrom.set(target, file)
  }
  return undefined
}

function wayTo(end: string, cameFrom: ReadonlyMap<string, string | undefined>): string[] {
  const way: string[] = []
  for (let file: string | undefined = end; file !== undefined; file = cameFrom.get(file)) way.unshift(file)
  return way
}

/** Whether a file has more lines than one purpose needs. */
export function isTooLong({ source }: SourceFile): boolean {
  return source.trimEnd().split('\n').length > MOST_LINES
}

/** A page or a migration with a number: there are ever more of them, and their order is their number. */
const NUMBERED = /^\d{4}[-_]/

/** Folders that hold more files of their own than a reader takes in at a glance. */
export function fullFolders(paths: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const path of paths) {
    if (NUMBERED.test(posix.basename(path))) continue
    const folder = posix.dirname(path)
    counts.set(folder, (counts.get(folder) ?? 0) + 1)
  }
  return [...counts]
    .filter(([, count]) => count > MOST_FILES)
    .map(([folder, count]) => `a folder holds at most ${MOST_FILES} files: ${folder} has ${count}`)
}
