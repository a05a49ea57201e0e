/** What the user's own list of rooms tells, without asking any Room: invites, knocks, and rooms that were forgotten. */
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Memberships, UserRoom } from '../memberships.ts'
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

  after(span: Span): ListedRoom[] {
    const listed: ListedRoom[] = []
    for (const room of this.#parts.memberships.all()) {
      if (room.own <= span.since || room.own > span.own) continue
      const one = this.#listed(room, span)
      if (one !== undefined) listed.push(one)
    }
    return listed
  }

  #listed(room: UserRoom, span: Span): ListedRoom | undefined {
    const { roomId, membership, pos, stripped } = room
    // "Forgotten rooms should not appear in responses": nothing of them does. But the user's other devices must learn
    // that the room was left, however soon it was forgotten, or they would show it for ever.
    // Of a room that was never here the event by which it was left is all that there is.
    const events = room.outside ? stripped : []
    if (room.forgotten) return isInitial(span) ? undefined : { roomId, kind: 'forgotten', pos, events }
    if (membership !== 'invite' && membership !== 'knock') return undefined
    return this.#parts.hidesInvite(room) ? undefined : { roomId, kind: membership, stripped }
  }
}
