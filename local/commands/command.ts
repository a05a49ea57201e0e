/** How every command ends: with one line if the operator can mend it, and with its stack if the fault is ours. */
import { messageOf, StartError } from '../start-error.ts'

/** Runs a command; its failure becomes the exit code. */
export async function runCommand(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    process.exitCode = tell(error)
  }
}

/** Says why the command cannot go on; answers the exit code. */
export function tell(error: unknown): number {
  const line = error instanceof StartError ? error.message : systemFailure(error)
  console.error(line === undefined ? error : `selvedge: ${line}`)
  return error instanceof StartError ? error.exitCode : 1
}

/** A full disk, a missing right and their like: the system's own words say what to mend. */
function systemFailure(error: unknown): string | undefined {
  const isSystem = error instanceof Error && 'code' in error && 'syscall' in error
  return isSystem ? messageOf(error) : undefined
}
