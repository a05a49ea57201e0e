/** The error of a connection that does not know what its client has. */
import { MatrixError } from '../../../../src/protocol/errors.ts'

export function unknownPos(): MatrixError {
  return new MatrixError('M_UNKNOWN_POS', 'This connection has no such pos any more: begin without one')
}
