/** Why another server gave no good answer. Nothing that it says goes any further. */
export class ServerFailure extends Error {
  override readonly name = 'ServerFailure'
  /**
   * - `unreachable`: it gave no answer, or none in time.
   * - `refused`: its answer is an error.
   * - `unfit`: its answer is too large, or is not what was asked for.
   */
  readonly kind: 'unreachable' | 'refused' | 'unfit'
  /** Of `refused`. */
  readonly status: number | undefined
  readonly errcode: string | undefined
  /** When it may be asked again, ms, by its own word. */
  readonly retryAfterMs: number | undefined

  constructor(
    kind: ServerFailure['kind'],
    { status, errcode, retryAfterMs }: { status?: number; errcode?: string; retryAfterMs?: number } = {},
  ) {
    super(`Another server ${kind === 'refused' ? `answered ${status}` : `is ${kind}`}`)
    this.kind = kind
    this.status = status
    this.errcode = errcode
    this.retryAfterMs = retryAfterMs
  }
}
