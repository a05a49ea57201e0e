/** Other servers: what is asked of them, and the keys by which their events and requests are checked. */

import type { KeyLookup, WantedKey } from '../protocol/federation/pdu-signatures.ts'
import type { RequestKind } from '../protocol/federation/requests.ts'

/** One request to another server. */
export interface ServerRequest {
  /** Says how it is made, and its bounds. */
  kind: RequestKind
  destination: string
  /** Path and query, as they go on the wire. */
  uri: string
  /** The body, as canonical JSON. */
  content?: string
  /** It may take no longer than this, ms, where that is less than its own bound. */
  withinMs?: number
  /** Is given the answer's bytes as they come, in place of its text. Answers whether more of them are of use. */
  take?: (chunk: Uint8Array) => boolean
}

/** A good answer of another server, which is JSON as a rule. */
export interface ServerAnswer {
  /** Empty where the bytes were taken. */
  text: string
}

export interface FederationClient {
  /** @throws ServerFailure */
  ask(request: ServerRequest): Promise<ServerAnswer>
}

/** A key of another server, as it or a notary told it. */
export interface ServerKey {
  serverName: string
  keyId: string
  publicKey: string
  /** It counts for what was signed up to this time, ms. */
  validUntil: number
  /** The server signs nothing more with it: `validUntil` stays. */
  hasEnded: boolean
  /** When it was told, ms. */
  fetchedAt: number
}

/** A server that did not tell its keys: it is left alone until `retryAt`, ms. */
export interface KeyFailure {
  serverName: string
  failures: number
  retryAt: number
}

/** The keys and failures that outlive an isolate. */
export interface ServerKeyStore {
  find(
    wanted: readonly { serverName: string; keyId: string }[],
  ): Promise<{ keys: ServerKey[]; failures: KeyFailure[] }>
  /** Keeps keys, and forgets that their servers failed. */
  put(keys: readonly ServerKey[]): Promise<void>
  putFailures(failures: readonly KeyFailure[], now: number): Promise<void>
}

export interface KeyRing {
  /**
   * What can be known of these keys now: other servers are asked for those that are missing.
   * @param byTime whether a key counts only for what was signed while it was valid
   * @param atOnce how many servers are asked at the same time
   */
  collect(wanted: readonly WantedKey[], options: { byTime: boolean; atOnce?: number }): Promise<KeyLookup>
  /** The same from this isolate's memory alone. */
  known(options: { byTime: boolean }): KeyLookup
}
