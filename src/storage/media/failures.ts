/** What a client is told when the store of media fails, and what the operator is. */
import type { Logger } from '../../ports/log.ts'
import { MatrixError } from '../../protocol/errors.ts'

/** The store answered, and said no: its settings are wrong, or it is another kind of store. */
export class StoreRefused extends Error {
  override readonly name = 'StoreRefused'
  readonly code: string

  constructor(code: string) {
    super(`the media store refused: ${code}`)
    this.code = code
  }
}

/** The store did not answer, or not in time, or said that it cannot now. */
export class StoreAway extends Error {
  override readonly name = 'StoreAway'
  readonly code: string

  constructor(code: string) {
    super(`the media store is away: ${code}`)
    this.code = code
  }
}

/** The answer to the client; what is more is for the log, which never holds the texts of the store. */
export function told(error: unknown, log: Logger): MatrixError {
  if (error instanceof MatrixError) return error
  if (error instanceof StoreRefused) {
    log.error('the media store refused a request', { code: error.code })
    return new MatrixError('M_UNKNOWN', 'The media store refused the request', { status: 502 })
  }
  const code = error instanceof StoreAway ? error.code : error instanceof Error ? error.name : undefined
  log.trouble('media store', 'the media store is not available', { code })
  return new MatrixError('M_UNKNOWN', 'The media store is not available. Try again soon.', { status: 503 })
}
