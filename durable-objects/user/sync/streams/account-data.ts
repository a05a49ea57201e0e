/** Client-Server API §Client Config: the user's own data, as their own log tells of it. */
import type { AccountDataEvent } from '../../settings/account-data.ts'
import { isInitial, type Span, type Stream } from './stream.ts'

export interface AccountDataParts {
  /** The newest position of the user's own log. */
  own: () => number
  /** Account data changed after a position of the own log; undefined: all of it. */
  accountData: (since: number | undefined) => AccountDataEvent[]
}

/** By room; under null what belongs to none. */
export type AccountDataNews = Map<string | null, AccountDataEvent[]>

export class AccountDataStream implements Stream {
  readonly #parts: AccountDataParts

  constructor(parts: AccountDataParts) {
    this.#parts = parts
  }

  behind({ own }: { own: number }): boolean {
    return this.#parts.own() > own
  }

  /**
   * What changed in a span.
   * @param found rooms that are new to the client: what was set for them before has passed it by, and comes with them
   */
  after(span: Span, found: readonly string[]): AccountDataNews {
    const initial = isInitial(span)
    const unchanged = !initial && span.since >= span.own
    const news: AccountDataNews = unchanged ? new Map() : this.#byRoom(initial ? undefined : span.since)
    if (found.length === 0) return news
    const all = this.#byRoom(undefined)
    for (const roomId of found) news.set(roomId, all.get(roomId) ?? [])
    return news
  }

  #byRoom(since: number | undefined): AccountDataNews {
    return Map.groupBy(this.#parts.accountData(since), ({ roomId }) => roomId)
  }
}
