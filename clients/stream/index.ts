/** A small client of the stream of a Selvedge homeserver. See README.md. */

export { type Delay, retryDelay } from './backoff.ts'
export { StreamClient } from './client.ts'
export { ApiError } from './http.ts'
export type { Events, Json, MatrixEvent, StreamClientOptions, SyncBody } from './types.ts'
