/** What the user's own list of rooms tells, without asking any Room: invites, knocks, and rooms that were forgotten. */
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Memberships, UserRoom } from '../memberships.ts'
import type { SyncQuery } from '../query.ts'
import { isInitial, type Span, type Stream } from './stream.ts'

export interface ListedParts {
  memberships: Memberships
  /** The newest position of the user's own log. */
  own: () => number
  /** Whether an invite that is there is not shown. */
  hidesInvite: (room: UserRoom) => boolean
}

export type ListedRoom =
  | { roomId: string; kind: 'invite' | 'knock'; stripped: JsonObject[] }
  | { roomId: string; kind: 'forgotten'; pos: number; events: JsonObject[] }

export class ListedStream implements Stream {
  readonly #parts: ListedParts

  constructor(parts: ListedParts) {
    this.#parts = parts
  }

  behind({ own }: { own: number }): boolean {
    return this.#parts.own() > own
  }

  after(span: Span, { filter }: Pick<SyncQuery, 'filter'>): ListedRoom[] {
    const listed: ListedRoom[] = []
    const showsPast = !isInitial(span) || filter?.room?.include_leave === true
    for (const room of this.#parts.memberships.all()) {
      if (room.own <= span.since || room.own > span.own) continue
      const one = room.forgotten ? showsPast && forgotten(room, isInitial(span)) : this.#offered(room)
      if (one) listed.push(one)
    }
    return listed
  }

  #offered(room: UserRoom): ListedRoom | undefined {
    const { roomId, membership, stripped } = room
    if (membership !== 'invite' && membership !== 'knock') return undefined
    return this.#parts.hidesInvite(room) ? undefined : { roomId, kind: membership, stripped }
  }
}

/**
 * "Forgotten rooms should not appear in responses": nothing of them does. But the user's other devices must learn that the
 * room was left, however soon it was forgotten, or they would show it for ever.
 */
function forgotten({ roomId, pos, outside, stripped }: UserRoom, isFirst: boolean): ListedRoom | undefined {
  // A room that was never here has one event, by which it was left, until the user forgets it.
  const events = outside ? stripped : []
  return isFirst && events.length === 0 ? undefined : { roomId, kind: 'forgotten', pos, events }
}
