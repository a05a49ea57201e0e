/**
 * Decides whether what a request names belongs to this server or to another one; nothing else decides it. What stands in
 * for the answers of servers that cannot be asked is here too.
 */
import type { AliasedRoom } from '../src/federation/directory.ts'
import type { AliasStore } from '../src/ports/directory.ts'
import { MatrixError } from '../src/protocol/errors.ts'
import type { JsonObject } from '../src/protocol/events/canonical-json.ts'
import { serverNameOf } from '../src/protocol/identifiers.ts'
import type { Profile } from '../src/protocol/profile.ts'

export interface Servers {
  /** Whether a user or an alias is this server's. */
  owns(id: string): boolean
  /** Whether a name is this server's, such as the server name of media or of a directory. */
  isThis(server: string): boolean
  /** @throws MatrixError M_FORBIDDEN for a user of another server */
  requireReachable(userId: string): void
  /** @throws MatrixError M_FORBIDDEN for another server */
  requireAskable(server: string | undefined): void
  /** Splits what is asked of users: the users here, and a failure for each other server, since it cannot be asked. */
  askedHere<T>(asked: Readonly<Record<string, T>>): { here: Record<string, T>; failures: JsonObject }
  /** Users of other servers tell their profile themselves, when they join. */
  profileOf(userId: string): Promise<Profile>
  /** Whether other servers are spoken to at all. */
  federates: boolean
  /**
   * The room behind an alias, and servers that are in it; undefined where none is known. The server that an alias names is
   * asked for it. @throws MatrixError M_UNKNOWN (502) where it gives no answer
   */
  roomOf(alias: string): Promise<AliasedRoom | undefined>
}

/** What a request is told of a server that does not answer. */
export const UNREACHABLE: JsonObject = { status: 503, message: 'Not reachable' }

interface Here {
  serverName: string
  profileOf(userId: string): Promise<Profile>
  aliases: Pick<AliasStore, 'find'>
  /** The room behind an alias of another server; absent where there is no federation. */
  askForRoom?: (alias: string) => Promise<AliasedRoom | undefined>
}

/** The servers as this one sees them. */
export function serversFrom({ serverName, profileOf, aliases, askForRoom }: Here): Servers {
  const owns = (id: string) => serverNameOf(id) === serverName
  return {
    owns,
    isThis: (server) => server === serverName,
    requireReachable(userId) {
      if (owns(userId)) return
      if (askForRoom !== undefined)
        throw new MatrixError('M_FORBIDDEN', `${userId} is not a user of this server`)
      throw new MatrixError('M_FORBIDDEN', `This server does not federate: ${userId} cannot be reached`)
    },
    requireAskable(server) {
      if (server === undefined || server === '' || server === serverName) return
      throw new MatrixError('M_FORBIDDEN', `This server does not federate: ${server} cannot be asked`)
    },
    askedHere(asked) {
      const users = Object.entries(asked)
      const others = users.map(([userId]) => serverNameOf(userId)).filter((server) => server !== serverName)
      return {
        here: Object.fromEntries(users.filter(([userId]) => owns(userId))),
        failures: Object.fromEntries(others.map((server) => [server, UNREACHABLE])),
      }
    },
    profileOf: async (userId) => (owns(userId) ? profileOf(userId) : {}),
    federates: askForRoom !== undefined,
    async roomOf(alias) {
      if (!owns(alias)) return askForRoom?.(alias)
      const found = await aliases.find(alias)
      return found && { roomId: found.roomId, servers: [serverName] }
    },
  }
}
