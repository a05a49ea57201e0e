/** What a poll asks for. Its filter is given by its id or inline; a waiting poll keeps it in a short form. */
import type { Session } from '../../../src/objects/user/session.ts'
import type { SyncRequest } from '../../../src/objects/user/sync.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { type Filter, parseFilter } from '../../../src/protocol/matching/filter.ts'

/** What a sync asks for, the same for every room. */
export interface SyncQuery {
  session: Session
  filter: Filter | undefined
  fullState: boolean
  stateAfter: boolean
  /** Users whose messages and typing are not shown. */
  ignored?: ReadonlySet<string>
}

export interface StoredFilters {
  /** @throws for an id that names none */
  filter: (id: string) => JsonObject
  /** Stores a filter, and answers its id. */
  storeFilter: (filter: JsonObject) => string
}

type Asked = Pick<SyncRequest, 'session' | 'filter' | 'fullState' | 'stateAfter'>

/** A longer inline filter is stored, and the socket keeps its id: an attachment is small. */
const LONGEST_INLINE_FILTER = 2_000

export class Queries {
  readonly #filters: StoredFilters
  /** The inline filter that was read last: a client asks with the same one again and again. */
  #last: { text: string; filter: Filter } | undefined

  constructor(filters: StoredFilters) {
    this.#filters = filters
  }

  /** @throws MatrixError M_INVALID_PARAM, M_NOT_JSON, M_BAD_JSON for an invalid filter */
  of({ session, filter, stateAfter, fullState }: Asked): SyncQuery {
    return { session, filter: this.#filter(filter), fullState, stateAfter }
  }

  /** The filter as a waiting poll keeps it. */
  kept(filter: string | undefined): string | undefined {
    if (filter === undefined || filter.length <= LONGEST_INLINE_FILTER) return filter
    return this.#filters.storeFilter(parseInline(filter) as JsonObject)
  }

  #filter(text: string | undefined): Filter | undefined {
    if (text === undefined) return undefined
    if (!text.startsWith('{')) return parseFilter(this.#stored(text))
    if (this.#last?.text !== text) this.#last = { text, filter: parseFilter(parseInline(text)) }
    return this.#last.filter
  }

  #stored(id: string): JsonObject {
    try {
      return this.#filters.filter(id)
    } catch {
      throw new MatrixError('M_INVALID_PARAM', 'No such filter')
    }
  }
}

function parseInline(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new MatrixError('M_NOT_JSON', 'The filter is not JSON')
  }
}
