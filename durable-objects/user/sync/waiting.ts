/**
 * Polls that wait: each is answered as soon as it is behind, at once from what wakes have brought, or when the Rooms
 * have been asked. The rules of decisions 3, 9 and 10 that speak of waiting clients stand here, and in the `User` of the
 * model in `test/durable-objects/sync-model`.
 */
import { takeFault } from '../../../src/faults.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type { Codec, SyncAnswer } from './codecs/codec.ts'
import type { Heads } from './heads/heads.ts'
import type { Queries, SyncQuery } from './query.ts'
import type { Sockets, WaitingSocket } from './sockets.ts'
import type { Sync } from './sync.ts'
import { parseSyncToken, type SyncToken } from './sync-token.ts'

export interface WaitingParts {
  sockets: Sockets
  heads: Heads
  queries: Queries
  sync: Sync
  codec: Codec
}

/** How often a poll looks again in vain before it waits: a Room that cannot be reached must not keep it busy. */
const LOOKS = 2
/** Characters in a message of a socket, which the platform bounds by 1 MiB. */
const LONGEST_MESSAGE = 300_000
/** How soon a Room that was not reached for a waiting poll is asked again. */
const ASK_AGAIN_MS = 1_000

export class WaitingPolls {
  readonly #parts: WaitingParts
  /** Waiting sockets are about to be served. */
  #serving = false
  #again: ReturnType<typeof setTimeout> | undefined
  /** Counts what may be news for a client: a look during which it stood still has seen everything. */
  #changes = 0

  constructor(parts: WaitingParts) {
    this.#parts = parts
  }

  /**
   * Answers a poll. Goes on from an answer that found nothing while there may be more: wakes came in between, or a Room
   * was not reached. Ends with news, with a token that stands at all heads, or when looking leads nowhere.
   */
  async answer(query: SyncQuery, token: SyncToken | undefined): Promise<SyncAnswer> {
    const { sync, codec } = this.#parts
    let answer = codec.encode(await sync.read(query, token))
    for (let vain = 0; vain < LOOKS && !answer.news && this.#isBehind(answer.token, query.session); ) {
      const changes = this.#changes
      const next = codec.encode(await sync.read(query, parseSyncToken(answer.token)))
      vain = next.token === answer.token && changes === this.#changes ? vain + 1 : 0
      answer = next
    }
    return answer
  }

  /** Whether a token teaches every head to an incarnation that reads it. */
  isLevel(token: string, session: Session): boolean {
    return this.#parts.heads.settled && !this.#isBehind(token, session)
  }

  /** Answers those waiting sockets that are behind. */
  serve(): void {
    const { sockets, heads } = this.#parts
    this.#changes += 1
    for (const waiting of sockets.all()) {
      if (waiting.busy) continue
      if (this.#isBehind(waiting.poll.token, waiting.poll.session)) this.#serveOne(waiting)
      else sockets.advance(waiting, waiting.poll.token, heads.settled)
    }
  }

  /**
   * Serves in the next turn: the wake is answered first, and wakes that come close together are served by one answer.
   * Until then the sockets say that they are behind, so that an eviction in between loses nothing.
   */
  serveNext(): void {
    const { sockets } = this.#parts
    this.#changes += 1
    for (const waiting of sockets.all()) {
      if (waiting.poll.level) sockets.advance(waiting, waiting.poll.token, false)
    }
    if (sockets.size === 0 || this.#serving || takeFault('user:no-next-turn')) return
    this.#serving = true
    setTimeout(() => {
      this.#serving = false
      this.serve()
    }, 0)
  }

  /** Before Rooms are asked, for any poll, and after: the news of a lost answer is missing to waiting clients too. */
  markLevel(): void {
    const { sockets, heads } = this.#parts
    const asking = heads.asking()
    for (const waiting of sockets.all()) {
      if (waiting.busy) continue
      const { token, session } = waiting.poll
      const level = this.isLevel(token, session)
      sockets.advance(waiting, token, level)
      if (!level && !asking) this.#serveSoon()
    }
  }

  /** After an eviction: what sockets wait with is known, and Rooms may have to be asked for some (model: `restart`). */
  wakeUp(): void {
    const { sockets, heads } = this.#parts
    const waiting = sockets
      .all()
      .map(({ poll }) => ({ place: parseSyncToken(poll.token), level: poll.level }))
    if (heads.learnFrom(waiting)) this.serve()
  }

  // ------------------------------------------------------------ inside

  #isBehind(token: string, { deviceId }: Session): boolean {
    return this.#parts.sync.behind(parseSyncToken(token), deviceId)
  }

  #serveOne(waiting: WaitingSocket): void {
    const { queries, sync, codec } = this.#parts
    waiting.query ??= queries.of({ ...waiting.poll, fullState: false })
    const { query } = waiting
    const news = sync.readAtOnce(query, parseSyncToken(waiting.poll.token))
    if (news === undefined) void this.#serveLater(waiting, query)
    else this.#give(waiting, codec.encode(news))
  }

  /** Asks the Rooms for a waiting socket; what comes meanwhile is looked at when they have answered. */
  async #serveLater(waiting: WaitingSocket, query: SyncQuery): Promise<void> {
    const { sockets } = this.#parts
    const { token } = waiting.poll
    waiting.busy = true
    sockets.advance(waiting, token, false)
    try {
      this.#give(waiting, await this.answer(query, parseSyncToken(token)))
    } finally {
      waiting.busy = false
      // A Room was not reached, and its wake is answered: nothing else would ask it again.
      if (sockets.waits(waiting) && this.#isBehind(waiting.poll.token, waiting.poll.session))
        this.#serveSoon()
    }
  }

  #serveSoon(): void {
    if (this.#again !== undefined) return
    this.#again = setTimeout(() => {
      this.#again = undefined
      this.serve()
    }, ASK_AGAIN_MS)
  }

  #give(waiting: WaitingSocket, { news, body, token, rest }: SyncAnswer): void {
    const { sockets } = this.#parts
    const text = news ? JSON.stringify(body) : ''
    if (rest.length > 0 || text.length > LONGEST_MESSAGE) sockets.refuse(waiting)
    else if (news) sockets.answer(waiting, text)
    else sockets.advance(waiting, token, this.isLevel(token, waiting.poll.session))
  }
}
