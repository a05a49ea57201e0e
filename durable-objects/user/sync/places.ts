/** What tokens and notes say of the user's rooms to other reads than sync: where one stands, and which moved last. */
import type { VisitedRoom } from '../../../src/objects/user/sync.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { Heads } from './heads/heads.ts'
import type { Memberships } from './memberships.ts'
import { parseSyncToken } from './sync-token.ts'

export interface Places {
  memberships: Memberships
  heads: Heads
}

/** A place behind every event: rooms take it for their end. */
const NOWHERE = 999_999_999_999

/** The joined rooms, those first that moved last, as far as this object has noticed. */
export function roomsByNews({ memberships, heads }: Places): string[] {
  return [...memberships.all()]
    .filter(({ membership }) => membership === 'join')
    .sort((a, b) => heads.movedIn(b.no) - heads.movedIn(a.no) || b.own - a.own)
    .map(({ roomId }) => roomId)
}

/** The rooms the user is or was in, and has not forgotten, those first that moved last. */
export function visitedRooms(places: Places): VisitedRoom[] {
  const order = new Map(roomsByNews(places).map((roomId, index) => [roomId, index]))
  const placeOf = ({ roomId }: VisitedRoom) => order.get(roomId) ?? order.size
  return places.memberships.visitedRooms().sort((a, b) => placeOf(a) - placeOf(b))
}

/** Where a sync token stands in a room, as a place in its history. */
export function positionOf({ memberships, heads }: Places, text: string, roomId: string): string {
  const token = parseSyncToken(text)
  const room = memberships.byId(roomId)
  // A room that the user only looks into: their tokens stand nowhere in it, and so at its end.
  if (room === undefined || room.membership === 'invite' || room.membership === 'knock') return `p${NOWHERE}`
  if (!heads.epochs.lives(token)) {
    throw new MatrixError('M_INVALID_PARAM', 'This token knows nothing of the room')
  }
  const known = heads.epochs.position(token, room.no)
  // A token names no room that had been left before it: there it stands at the leave.
  const leftBefore = known === 0 && room.membership !== 'join' && room.own <= token.own
  return `p${(leftBefore ? room.pos : known) + 1}`
}
