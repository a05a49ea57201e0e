/** What a Room says to users that are not in it, whether there is such a room or not. */
import { MatrixError } from '../../src/protocol/errors.ts'

/** @throws MatrixError M_FORBIDDEN */
export function notInRoom(): never {
  throw new MatrixError('M_FORBIDDEN', 'You are not in this room')
}
