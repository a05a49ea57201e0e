/** The stream's own constants, as clients and server share them: `docs/stream.md`. */

/** The subprotocol that a client names; the server answers with it. */
export const STREAM_PROTOCOL = 'dev.selvedge.stream'
/** What stands before the access token, where a client names that as a second subprotocol. */
export const TOKEN_PROTOCOL = 'dev.selvedge.token.'

/** Why the server ends a stream. */
export const STREAM_CLOSE = {
  /** A first message that is no sign-in, or a position or filter that is none. */
  badRequest: 4400,
  /** The session is over, or its token has expired. */
  tokenEnded: 4401,
  /** An increment was not acknowledged in time. */
  tooSlow: 4408,
  /** The device, or the user, has opened too many; this was the oldest. */
  tooMany: 4409,
  /** Nothing was heard of the client for as long as presence lasts. */
  silent: 4410,
  /** The client goes on sending more than it may. */
  tooOften: 4429,
} as const

/** Characters of a message of a client; what is longer is not read. */
export const LONGEST_SAID = 16_384

/** The ping that is answered while the object sleeps, and its answer: exactly these texts. */
export const PING = '{"type":"ping"}'
export const PONG = '{"type":"pong"}'
