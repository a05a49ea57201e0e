/** A reason not to start, told in one line and without a stack. */

export class StartError extends Error {
  override readonly name = 'StartError'
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** The system's code for what went wrong, such as `ECONNREFUSED`. */
export function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0])
  // `fetch failed` alone tells nobody why.
  if (error instanceof Error && error.cause !== undefined)
    return `${error.message}: ${messageOf(error.cause)}`
  return error instanceof Error ? error.message : String(error)
}
