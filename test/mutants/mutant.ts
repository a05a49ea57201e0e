/** A small plausible mistake: a text of a file, what stands there by mistake, and the tests that must notice. */
export interface Mutant {
  file: string
  /** Stands in the file exactly once. */
  find: string
  put: string
  /** Files of tests, of which one must fail. */
  tests: readonly string[]
  /** A part of the titles that are enough, where the files are long: a regular expression. */
  title?: string
  /** Why nobody can tell the mistake from what is right: such a one may pass. */
  equal?: string
}

type Change = readonly [find: string, put: string, equal?: string]

/** The files of tests of the client API by these names. */
export const client = (...names: string[]) => names.map((name) => `test/workers/client/${name}.test.ts`)

/** Mistakes in one file that the same tests cover. */
export function inFile(
  file: string,
  tests: readonly string[],
  changes: readonly Change[],
  title?: string,
): Mutant[] {
  return changes.map(([find, put, equal]) => ({
    file,
    find,
    put,
    tests,
    ...(title !== undefined && { title }),
    ...(equal !== undefined && { equal }),
  }))
}
