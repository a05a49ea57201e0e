/** A poll of `GET /sync`. */
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { Codec, SyncAnswer } from './codecs/codec.ts'
import type { KeyCounts } from './key-counts.ts'
import type { PollReader } from './poll-reader.ts'
import type { SyncQuery } from './query.ts'
import type { Sync } from './sync.ts'
import { formatSyncToken, parseSyncToken, type SyncToken } from './sync-token.ts'

export interface V2Parts {
  sync: Sync
  codec: Codec
  keys: KeyCounts
}

export class V2Reader implements PollReader {
  readonly #parts: V2Parts
  readonly #query: SyncQuery
  /** A poll that waits is looked at again and again with one token. */
  #newest: { text: string; token: SyncToken } | undefined

  constructor(parts: V2Parts, query: SyncQuery) {
    this.#parts = parts
    this.#query = query
  }

  async read(token: string | undefined): Promise<SyncAnswer> {
    const { codec, sync } = this.#parts
    return codec.encode(await sync.read(this.#query, token === undefined ? undefined : this.#parsed(token)))
  }

  readAtOnce(token: string): SyncAnswer | undefined {
    const news = this.#parts.sync.readAtOnce(this.#query, this.#parsed(token))
    return news && this.#parts.codec.encode(news)
  }

  behind(token: string): boolean {
    return this.#parts.sync.behind(this.#parsed(token), this.#query.session.deviceId)
  }

  empty(): JsonObject {
    return this.#parts.keys.of(this.#query.session.deviceId)
  }

  /** The text of the client's token, which is not parsed again. */
  textOf(token: SyncToken): string {
    this.#newest = { text: formatSyncToken(token), token }
    return this.#newest.text
  }

  #parsed(text: string): SyncToken {
    if (this.#newest?.text !== text) this.#newest = { text, token: parseSyncToken(text) }
    return this.#newest.token
  }
}
