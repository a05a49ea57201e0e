/** A small plausible mistake: a text of a file, what stands there by mistake, and the tests that must notice. */
export interface Mutant {
  file: string
  /** Stands in the file exactly once. */
  find: string
  put: string
  /** Files of tests, of which one must fail. */
  tests: readonly string[]
  /** Why nobody can tell the mistake from what is right: such a one may pass. */
  equal?: string
}

type Change = readonly [find: string, put: string, equal?: string]

/** Mistakes in one file that the same tests cover. */
export function inFile(file: string, tests: readonly string[], changes: readonly Change[]): Mutant[] {
  return changes.map(([find, put, equal]) => ({
    file,
    find,
    put,
    tests,
    ...(equal !== undefined && { equal }),
  }))
}
