/** What another server may do in the room, before anything else of its request is looked at. */
import type { FederationFacts } from '../../../../src/objects/room/federation.ts'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import { isServerAllowed } from '../../../../src/protocol/federation/server-acl.ts'
import type { RoomReader } from '../../context.ts'
import { isServerIn } from '../../rows/federation/servers.ts'
import { joinedFrom } from '../../rows/members/members.ts'

/** @throws MatrixError M_NOT_FOUND where there is no such room */
export function federationFacts({ store }: RoomReader, serverName: string): FederationFacts {
  return {
    version: store.rules.version,
    allowed: isServerAllowed(store.get('m.room.server_acl', '')?.pdu.content, serverName),
    inRoom: isServerIn(store.sql, serverName),
  }
}

/** @throws MatrixError M_NOT_FOUND where no user of this server is in the room */
export function isJoinedHere({ store, serverName }: RoomReader, userId: string): boolean {
  void store.rules
  if (joinedFrom(store.sql, serverName, 1).length === 0) {
    throw new MatrixError('M_NOT_FOUND', 'No user of this server is in the room')
  }
  return store.member(userId)?.membership === 'join'
}
