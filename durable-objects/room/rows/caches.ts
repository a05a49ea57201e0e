/** What a Room remembers of its rows while it is in memory: read again after a transaction that did not happen. */
import type { IdentifiedPdu } from '../../../src/protocol/events/event.ts'
import type { Extremity } from '../../../src/protocol/events/extremities.ts'
import type { Membership } from '../../../src/protocol/rooms/membership.ts'
import type { RoomVersionRules } from '../../../src/protocol/rooms/room-version.ts'

/** Current state events kept parsed: enough for the senders of a busy room. */
const STATE_CACHE = 512

export class Caches {
  rules: RoomVersionRules | undefined
  roomId: string | undefined
  extremities: readonly Extremity[] | undefined
  head: number | undefined
  counts: { joined: number; invited: number } | undefined
  /** By type and state key; undefined: the key has no state. */
  readonly state = new Map<string, IdentifiedPdu | undefined>()

  /** Drops everything but the room's id, which never changes. */
  forget(): void {
    this.state.clear()
    this.extremities = undefined
    this.head = undefined
    this.counts = undefined
    this.rules = undefined
  }

  remember(key: string, event: IdentifiedPdu | undefined): void {
    const { state } = this
    if (state.size >= STATE_CACHE) state.delete(state.keys().next().value as string)
    state.delete(key)
    state.set(key, event)
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
