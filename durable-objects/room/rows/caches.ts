/** What a Room remembers of its rows while it is in memory: read again after a transaction that did not happen. */
import type { IdentifiedPdu } from '../../../src/protocol/events/event.ts'
import type { Extremity } from '../../../src/protocol/events/extremities.ts'
import type { Membership } from '../../../src/protocol/rooms/membership.ts'
import type { RoomVersionRules } from '../../../src/protocol/rooms/room-version.ts'

export class Caches {
  rules: RoomVersionRules | undefined
  roomId: string | undefined
  extremities: readonly Extremity[] | undefined
  head: number | undefined
  counts: { joined: number; invited: number } | undefined
  readonly state = new StateCache()

  /** Drops everything but the room's id, which never changes. */
  forget(): void {
    this.state.clear()
    this.extremities = undefined
    this.head = undefined
    this.counts = undefined
    this.rules = undefined
  }

  countMember(from: Membership | undefined, to: Membership): void {
    if (this.counts === undefined || from === to) return
    const step = (membership: Membership) => Number(to === membership) - Number(from === membership)
    this.counts = {
      joined: this.counts.joined + step('join'),
      invited: this.counts.invited + step('invite'),
    }
  }
}

/** Enough for the senders of a busy room. */
const MOST_EVENTS = 512
/** Characters of their contents: members of other servers may have events of 64 KiB. */
const MOST_CONTENT = 2_000_000

/** Current state events, kept parsed, by type and state key. */
export class StateCache {
  readonly #kept = new Map<string, { event: IdentifiedPdu | undefined; size: number }>()
  #size = 0

  /** The event of a key, or that it has none; undefined: not known. */
  get(type: string, stateKey: string): { event: IdentifiedPdu | undefined } | undefined {
    return this.#kept.get(keyOf(type, stateKey))
  }

  /** The oldest go. */
  remember(type: string, stateKey: string, event: IdentifiedPdu | undefined): void {
    const key = keyOf(type, stateKey)
    this.#drop(key)
    const size = event === undefined ? 0 : JSON.stringify(event.pdu.content).length
    this.#kept.set(key, { event, size })
    this.#size += size
    for (const [oldest] of this.#kept) {
      if (this.#kept.size <= MOST_EVENTS && this.#size <= MOST_CONTENT) return
      this.#drop(oldest)
    }
  }

  clear(): void {
    this.#kept.clear()
    this.#size = 0
  }

  #drop(key: string): void {
    this.#size -= this.#kept.get(key)?.size ?? 0
    this.#kept.delete(key)
  }
}

const keyOf = (type: string, stateKey: string) => `${type}\n${stateKey}`
