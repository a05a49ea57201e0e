/** At the end of a run: which endpoints were exercised, by which files, and whether that is as the project says. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Operation } from '../../local/contract/spec.ts'
import { projectRoot } from '../../local/paths.ts'
import { compatibilityFaults, type Exercise, rewriteTable } from './compatibility.ts'
import { readContract, SPEC_VARIABLE } from './folder.ts'
import { LATER, waitsFor } from './later.ts'
import type { Seen } from './watch.ts'

interface Run {
  /** Whether every test of the project ran: only then is a missing endpoint a fault. */
  isWhole: boolean
  /** Whether the run may write the table of endpoints instead of checking it. */
  update: boolean
}

const page = join(projectRoot, 'docs/compatibility.md')

/** Prints the report. @returns the faults that it found, each a sentence */
export function reportContract({ isWhole, update }: Run): string[] {
  const contract = readContract()
  if (contract === undefined) {
    console.log(`contract: skipped, since ${SPEC_VARIABLE} names no folder of the specification`)
    return []
  }
  const { spec, seen } = contract
  const exercises = spec.operations.map((operation) => exerciseOf(operation, seen))
  const exercised = exercises.filter(({ files }) => files.length > 0)
  const answers = seen.reduce((sum, file) => sum + file.answers, 0)
  console.log(
    `contract: ${answers} answers judged, ${exercised.length} of ${exercises.length} endpoints exercised`,
  )
  if (!isWhole) return []
  printNeverExercised(exercises)
  if (update) writeFileSync(page, rewriteTable(readFileSync(page, 'utf8'), exercises))
  return [...listFaults(exercises), ...compatibilityFaults(readFileSync(page, 'utf8'), exercises)]
}

function exerciseOf(operation: Operation, seen: Seen[]): Exercise {
  const successes = new Map<string, number>()
  for (const { file, operations } of seen) {
    for (const [status, count] of Object.entries(operations[operation.id] ?? {})) {
      if (Number(status) < 400) successes.set(file, (successes.get(file) ?? 0) + count)
    }
  }
  const files = [...successes].sort((a, b) => b[1] - a[1]).map(([file]) => file)
  return { operation, files }
}

function printNeverExercised(exercises: Exercise[]): void {
  const never = new Set(
    exercises.filter(({ files }) => files.length === 0).map(({ operation }) => operation.id),
  )
  console.log(`contract: ${never.size} endpoints were never exercised`)
  for (const [reason, ids] of Object.entries(LATER)) {
    const waiting = ids.filter((id) => never.delete(id))
    console.log(`  ${reason}: ${waiting.length === 0 ? 'none' : `\n${lines(waiting)}`}`)
  }
  if (never.size > 0) console.log(`  and these, which nothing excuses:\n${lines([...never])}`)
}

const lines = (ids: string[]) => ids.map((id) => `    ${id}`).join('\n')

/** The list of what comes later must be right in both directions. */
function listFaults(exercises: Exercise[]): string[] {
  const known = new Set(exercises.map(({ operation }) => operation.id))
  const unknown = Object.values(LATER)
    .flat()
    .filter((id) => !known.has(id))
  return [
    ...unknown.map((id) => `test/contract/later.ts names ${id}, which the specification does not have`),
    ...exercises.flatMap(({ operation: { id }, files }) => {
      const reason = waitsFor(id)
      if (reason === undefined) return files.length > 0 ? [] : [`no test sees ${id} succeed`]
      // Refusing it clearly, instead of not knowing it, is no contradiction.
      if (files.length === 0) return []
      return [`${id} waits for "${reason}" in test/contract/later.ts, and yet it succeeded`]
    }),
  ]
}
