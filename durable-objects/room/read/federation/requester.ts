/** Which servers may read a room: those that take part in it. */
import { MatrixError } from '../../../../src/protocol/errors.ts'
import type { RoomReader } from '../../context.ts'
import { federationFacts } from './facts.ts'

/** @throws MatrixError M_NOT_FOUND where there is no such room; M_FORBIDDEN for a server that its ACL shuts out */
export function requireAllowed(room: RoomReader, serverName: string): void {
  if (federationFacts(room, serverName).allowed) return
  throw new MatrixError('M_FORBIDDEN', 'The room does not let this server take part')
}

/** @throws MatrixError M_NOT_FOUND where there is no such room; M_FORBIDDEN for a server that does not take part */
export function requireInRoom(room: RoomReader, serverName: string): void {
  requireAllowed(room, serverName)
  if (federationFacts(room, serverName).inRoom) return
  throw new MatrixError('M_FORBIDDEN', 'The server has no user in this room')
}
