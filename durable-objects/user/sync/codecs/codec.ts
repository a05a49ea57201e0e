/** What stands between the streams of a sync and an endpoint that answers from them. */
import type { RestOfState } from '../../../../src/objects/room/sync.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { SyncNews } from '../streams/news.ts'

export interface SyncAnswer {
  /** The whole answer, its token included. */
  body: JsonObject
  token: string
  /** Whether it holds anything but a token. */
  news: boolean
  /** State that belongs into it besides. */
  rest: RestOfState[]
}

/** Makes an answer of what the streams gave, in the form of one endpoint. */
export interface Codec {
  encode(news: SyncNews): SyncAnswer
}
