/** Server-Server API §Querying for information: the rooms behind the aliases of other servers. */
import type { FederationClient } from '../ports/federation.ts'
import { isRoomId, isServerName, serverNameOf } from '../protocol/identifiers.ts'
import { objectIn } from './answers.ts'
import { asMatrixError } from './membership/in-turn.ts'
import { ServerFailure } from './server-failure.ts'

/** A room may be in thousands of servers, of which the first few are asked. */
const MOST_SERVERS = 50
const NOT_FOUND = 404

export interface AliasedRoom {
  roomId: string
  /** Servers that are in it, by the word of the server that owns the alias. */
  servers: string[]
}

/**
 * Asks the server that owns an alias. Undefined where it knows no such alias.
 * @throws MatrixError M_UNKNOWN (502) where it gives no answer
 */
export async function askForRoom(client: FederationClient, alias: string): Promise<AliasedRoom | undefined> {
  const server = serverNameOf(alias)
  try {
    const { text } = await client.ask({
      kind: 'directory',
      destination: server,
      uri: `/_matrix/federation/v1/query/directory?room_alias=${encodeURIComponent(alias)}`,
    })
    const { room_id: roomId, servers } = objectIn(text)
    if (typeof roomId !== 'string' || !isRoomId(roomId)) return undefined
    const named = Array.isArray(servers) ? servers.slice(0, MOST_SERVERS) : []
    const known = named.filter((name) => typeof name === 'string').filter(isServerName)
    return { roomId, servers: [...new Set([...known, server])] }
  } catch (error) {
    if (error instanceof ServerFailure && error.status === NOT_FOUND) return undefined
    throw asMatrixError(error, server)
  }
}
