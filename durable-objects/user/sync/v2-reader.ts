/** A poll of `GET /sync`. */
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { Codec, SyncAnswer } from './codecs/codec.ts'
import type { KeyCounts } from './key-counts.ts'
import type { PollReader } from './poll-reader.ts'
import type { SyncQuery } from './query.ts'
import type { Sync } from './sync.ts'
import { parseSyncToken } from './sync-token.ts'

export interface V2Parts {
  sync: Sync
  codec: Codec
  keys: KeyCounts
}

export class V2Reader implements PollReader {
  readonly #parts: V2Parts
  readonly #query: SyncQuery

  constructor(parts: V2Parts, query: SyncQuery) {
    this.#parts = parts
    this.#query = query
  }

  async read(token: string | undefined): Promise<SyncAnswer> {
    const { codec, sync } = this.#parts
    return codec.encode(await sync.read(this.#query, token === undefined ? undefined : parseSyncToken(token)))
  }

  readAtOnce(token: string): SyncAnswer | undefined {
    const news = this.#parts.sync.readAtOnce(this.#query, parseSyncToken(token))
    return news && this.#parts.codec.encode(news)
  }

  behind(token: string): boolean {
    return this.#parts.sync.behind(parseSyncToken(token), this.#query.session.deviceId)
  }

  empty(): JsonObject {
    return this.#parts.keys.of(this.#query.session.deviceId)
  }
}
