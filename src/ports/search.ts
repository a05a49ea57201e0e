/** Full-text search of the archive. */
import type { VisitedRoom } from '../objects/user/sync.ts'

/** A place in the results: they come after it. */
export interface SearchPlace {
  rank: number
  ts: number
  eventId: string
}

export interface SearchHit extends SearchPlace {
  roomId: string
  sender: string
}

export interface SearchQuery {
  /** A tsquery literal of `src/search/terms.ts`. */
  query: string
  rooms: VisitedRoom[]
  types: string[]
  order: 'rank' | 'recent'
  senders?: string[]
  notSenders?: string[]
  containsUrl?: boolean
  after?: SearchPlace
}

export interface SearchStore {
  /** The next results in order. Whether the user may see each is for its Room to say. */
  find(query: SearchQuery, limit: number): Promise<SearchHit[]>
  /** The rooms and senders of what comes after a place. */
  remaining(query: SearchQuery): Promise<{ roomId: string; sender: string }[]>
}
