import { globSync } from 'node:fs'
import { projectRoot } from '../../local/paths.ts'

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

/** In place of a failure, where no test has the title. */
export const NO_TEST = 'no test has its title'

/** What stands in a file, what stands there by mistake, and what is particular to this one. */
type Change = readonly [find: string, put: string, more?: Pick<Mutant, 'equal' | 'title'>]

/** The files of tests of the client API by these names. */
export const client = (...names: string[]) => testsIn('test/workers/client', names)

/** The files of tests of the pure protocol by these names. */
export const unit = (...names: string[]) => testsIn('test/src/protocol', names)

/** Whichever folder below they are in: a file that moves is found again. */
function testsIn(folder: string, names: string[]): string[] {
  return names.flatMap((name) => {
    const found = globSync(`${folder}/**/${name}.test.ts`, { cwd: projectRoot })
    if (found.length === 0) throw new Error(`No tests in ${folder} are named ${name}`)
    return found
  })
}

/** Mistakes in one file that the same tests cover. */
export function inFile(
  file: string,
  tests: readonly string[],
  changes: readonly Change[],
  title?: string,
): Mutant[] {
  return changes.map(([find, put, more]) => ({
    file,
    find,
    put,
    tests,
    ...(title !== undefined && { title }),
    ...more,
  }))
}
