/**
 * Reads of tokens and notes outside sync: where a token stands in a room, and the user's rooms by when they moved.
 */
import type { VisitedRoom } from '../../../src/objects/user/sync.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { Heads } from './heads/heads.ts'
import type { Memberships } from './memberships.ts'
import { parseSyncToken } from './sync-token.ts'

/** A place behind every event: rooms take it for their end. */
const NOWHERE = 999_999_999_999

export class Places {
  readonly #memberships: Memberships
  readonly #heads: Heads

  constructor(memberships: Memberships, heads: Heads) {
    this.#memberships = memberships
    this.#heads = heads
  }

  /** The joined rooms, the last moved first, as far as this object has noticed. */
  roomsByNews(): string[] {
    const movedIn = (no: number) => this.#heads.movedIn(no)
    return [...this.#memberships.all()]
      .filter(({ membership }) => membership === 'join')
      .sort((a, b) => movedIn(b.no) - movedIn(a.no) || b.own - a.own)
      .map(({ roomId }) => roomId)
  }

  /** The rooms that the user is or was in and has not forgotten, the last moved first. */
  visitedRooms(): VisitedRoom[] {
    const order = new Map(this.roomsByNews().map((roomId, index) => [roomId, index]))
    const placeOf = ({ roomId }: VisitedRoom) => order.get(roomId) ?? order.size
    return this.#memberships.visitedRooms().sort((a, b) => placeOf(a) - placeOf(b))
  }

  /** Where a sync token stands in a room, as a place in its history. */
  positionOf(text: string, roomId: string): string {
    const { epochs } = this.#heads
    const token = parseSyncToken(text)
    const room = this.#memberships.byId(roomId)
    // No token names a room that the user only looks into: its place there is the end of the room.
    if (room === undefined || room.membership === 'invite' || room.membership === 'knock')
      return `p${NOWHERE}`
    if (!epochs.lives(token)) {
      throw new MatrixError('M_INVALID_PARAM', 'This token is too old: use one from a newer sync')
    }
    // Of a room that the client was not told of, the token says how far it was looked at.
    const known = epochs.position(token, room.no) || epochs.reach(token, room.no)
    // No token names a room that was left before it: its place there is the leave.
    const leftBefore = known === 0 && room.membership !== 'join' && room.own <= token.own
    return `p${(leftBefore ? room.pos : known) + 1}`
  }
}
