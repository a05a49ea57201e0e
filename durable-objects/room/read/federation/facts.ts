/** What another server may do in the room, before anything else of its request is looked at. */
import type { FederationFacts } from '../../../../src/objects/room/federation.ts'
import { isServerAllowed } from '../../../../src/protocol/federation/server-acl.ts'
import type { RoomReader } from '../../context.ts'
import { isServerIn } from '../../rows/federation/servers.ts'

/** @throws MatrixError M_NOT_FOUND where there is no such room */
export function federationFacts({ store }: RoomReader, serverName: string): FederationFacts {
  return {
    version: store.rules.version,
    allowed: isServerAllowed(store.get('m.room.server_acl', '')?.pdu.content, serverName),
    inRoom: isServerIn(store.sql, serverName),
  }
}
