/** What a Room says to users that are not in it, whether there is such a room or not. */
import { MatrixError } from '../../src/protocol/errors.ts'
import type { RowReader } from './rows/reader.ts'

/** @throws MatrixError M_FORBIDDEN outside the room; M_NOT_FOUND where there is no such room */
export function requireJoined(store: RowReader, userId: string): void {
  if (store.member(userId)?.membership === 'join') return
  // Asking for the rules first tells a room that does not exist from a room that the user is not in.
  void store.rules
  notInRoom()
}

/** @throws MatrixError M_FORBIDDEN */
export function notInRoom(): never {
  throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
}
