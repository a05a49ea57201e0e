/** The one error type of the client and federation APIs, and the status each error code answers with. */

/** Status by error code: spec, Client-Server API §Common error codes, and the endpoints that define the others. */
export const ERROR_STATUS = {
  M_FORBIDDEN: 403,
  M_UNKNOWN_TOKEN: 401,
  M_MISSING_TOKEN: 401,
  M_UNAUTHORIZED: 401,
  M_USER_LOCKED: 401,
  M_USER_SUSPENDED: 403,
  M_USER_DEACTIVATED: 403,
  M_LIMIT_EXCEEDED: 429,
  M_RESOURCE_LIMIT_EXCEEDED: 403,
  M_BAD_JSON: 400,
  M_NOT_JSON: 400,
  M_MISSING_PARAM: 400,
  M_INVALID_PARAM: 400,
  M_NOT_FOUND: 404,
  M_UNRECOGNIZED: 404,
  M_UNKNOWN: 500,
  M_UNKNOWN_POS: 400,
  M_USER_IN_USE: 400,
  M_INVALID_USERNAME: 400,
  M_WEAK_PASSWORD: 400,
  M_EXCLUSIVE: 400,
  M_ROOM_IN_USE: 400,
  M_INVALID_ROOM_STATE: 400,
  M_UNSUPPORTED_ROOM_VERSION: 400,
  M_INCOMPATIBLE_ROOM_VERSION: 400,
  M_UNABLE_TO_AUTHORISE_JOIN: 400,
  M_UNABLE_TO_GRANT_JOIN: 400,
  M_BAD_STATE: 403,
  M_BAD_ALIAS: 400,
  M_DUPLICATE_ANNOTATION: 400,
  M_GUEST_ACCESS_FORBIDDEN: 403,
  M_WRONG_ROOM_KEYS_VERSION: 403,
  M_TOO_LARGE: 413,
  M_CANNOT_OVERWRITE_MEDIA: 409,
  M_NOT_YET_UPLOADED: 504,
  M_UNKNOWN_DEVICE: 400,
  M_INVALID_SIGNATURE: 400,
  M_INVITE_BLOCKED: 403,
  M_PROFILE_TOO_LARGE: 400,
  M_KEY_TOO_LARGE: 400,
  M_THREEPID_MEDIUM_NOT_SUPPORTED: 400,
  M_THREEPID_DENIED: 403,
  M_THREEPID_AUTH_FAILED: 403,
  'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD': 400,
  'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION': 409,
  /** A member of a consumer group acts for a partition that another member has by now. */
  'DEV.SELVEDGE.STALE_EPOCH': 409,
} as const

export type ErrorCode = keyof typeof ERROR_STATUS

/** An error as it travels in JSON and across RPC. */
export interface ErrorValue {
  errcode: ErrorCode
  message: string
  status: number
  /** Further keys of the body, such as `retry_after_ms` or `soft_logout`. */
  extra?: Record<string, unknown>
}

/** A failure the protocol names. Domain code throws it; `workers/middleware/errors.ts` alone renders it. */
export class MatrixError extends Error {
  override readonly name = 'MatrixError'
  readonly errcode: ErrorCode
  readonly status: number
  readonly extra: Record<string, unknown> | undefined

  /**
   * @param errcode the Matrix error code
   * @param message what went wrong, for a person
   * @param options `status` where the endpoint deviates from the table; `extra` keys of the body
   */
  constructor(
    errcode: ErrorCode,
    message: string,
    options: { status?: number; extra?: Record<string, unknown> } = {},
  ) {
    super(message)
    this.errcode = errcode
    this.status = options.status ?? ERROR_STATUS[errcode]
    this.extra = options.extra
  }

  toValue(): ErrorValue {
    const value: ErrorValue = { errcode: this.errcode, message: this.message, status: this.status }
    if (this.extra !== undefined) value.extra = this.extra
    return value
  }

  static fromValue(value: ErrorValue): MatrixError {
    return new MatrixError(value.errcode, value.message, { status: value.status, extra: value.extra })
  }
}

/** An event that the authorisation rules refuse; carries the rule's sentence. Not an HTTP error by itself. */
export class AuthRejection extends Error {
  override readonly name: string = 'AuthRejection'
}

/** The rules refuse the event for its content, whoever sends it. For a client that is a bad request. */
export class MalformedContent extends AuthRejection {
  override readonly name = 'MalformedContent'
}
