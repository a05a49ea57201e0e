/** What a user has not read of a room at one moment. */
import type { UnreadEvent } from '../../../../src/objects/room/sync.ts'

/** Never changes. A list that is longer by one event shares the others, so a message costs the same however many are unread. */
export class UnreadList implements Iterable<UnreadEvent> {
  readonly length: number
  readonly highlights: number
  /** Ends with what only longer lists have. */
  readonly #events: UnreadEvent[]

  private constructor(events: UnreadEvent[], length: number, highlights: number) {
    this.#events = events
    this.length = length
    this.highlights = highlights
  }

  static of(events: readonly UnreadEvent[]): UnreadList {
    const { length } = events
    return new UnreadList([...events], length, events.filter(({ highlight }) => highlight).length)
  }

  plus(event: UnreadEvent): UnreadList {
    const isNewest = this.#events.length === this.length
    const events = isNewest ? this.#events : this.#events.slice(0, this.length)
    events.push(event)
    return new UnreadList(events, events.length, this.highlights + Number(event.highlight))
  }

  filter(isLeft: (event: UnreadEvent) => boolean): UnreadList {
    return this.length === 0 ? this : UnreadList.of([...this].filter(isLeft))
  }

  *[Symbol.iterator](): IterableIterator<UnreadEvent> {
    for (let index = 0; index < this.length; index += 1) yield this.#events[index]!
  }
}
