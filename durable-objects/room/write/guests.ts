/** Guests in a room: when they are let in, and what happens to them when the room no longer lets them in. */
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { RoomReader, RoomWriter } from '../context.ts'
import { appendLocal } from './pipeline.ts'

/** How member events of guests are marked, as other servers do it. */
export const GUEST_KIND = 'guest'

/** How many members are looked through when guests must go. */
const MAX_MEMBERS = 10_000

/** @throws MatrixError M_GUEST_ACCESS_FORBIDDEN unless `m.room.guest_access` says can_join */
export function requireGuestAccess(room: RoomReader): void {
  if (letsGuestsIn(room)) return
  throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests cannot join this room')
}

/**
 * After a change of `m.room.guest_access`, inside its transaction: "if the guest access is changed, the server
 * makes its own guests leave" where they may not be there any more.
 */
export function evictGuests(room: RoomWriter): void {
  if (letsGuestsIn(room)) return
  for (const userId of room.store.membersWith('join', MAX_MEMBERS)) {
    if (!room.isLocal(userId)) continue
    if (room.store.get('m.room.member', userId)?.pdu.content.kind !== GUEST_KIND) continue
    appendLocal(room, {
      sender: userId,
      type: 'm.room.member',
      stateKey: userId,
      content: { membership: 'leave' },
      unattended: true,
    })
  }
}

function letsGuestsIn({ store }: RoomReader): boolean {
  return store.get('m.room.guest_access', '')?.pdu.content.guest_access === 'can_join'
}
