/** Whether a room that a request names is to be asked for here or through other servers, and through which. */
import { candidates } from '../../../../src/federation/membership/in-turn.ts'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import { isServerName } from '../../../../src/protocol/identifiers.ts'
import type { AppContext, UserContext } from '../../../app-env.ts'
import { roomOfAlias } from '../../params.ts'

/** A room as a client names it, with servers through which it may be reached. */
export interface NamedRoom {
  roomId: string
  servers: readonly string[]
}

/** How a room that is here may be joined. */
type HereRule = Awaited<ReturnType<ReturnType<UserContext['var']['objects']['room']>['joinRule']>>

export type Place = NamedRoom & ({ isElsewhere: false; rule: HereRule } | { isElsewhere: true })

/** "The servers to attempt to join the room through", by today's name and by that of before. */
export function viaIn(c: AppContext): string[] {
  const named = [...(c.req.queries('via') ?? []), ...(c.req.queries('server_name') ?? [])]
  return named.filter(isServerName)
}

/** A room by its id or by an alias, which the alias's own server knows. @throws MatrixError M_NOT_FOUND */
export async function namedRoom(c: AppContext, roomIdOrAlias: string): Promise<NamedRoom> {
  const via = viaIn(c)
  if (!roomIdOrAlias.startsWith('#')) return { roomId: roomIdOrAlias, servers: via }
  const { roomId, servers } = await roomOfAlias(c, roomIdOrAlias)
  return { roomId, servers: [...via, ...servers] }
}

/**
 * Where no user of this server is in a room, and users of others are, only those know how it is now; so too where it was
 * never here.
 * @throws MatrixError M_NOT_FOUND where nobody is known who could be asked
 */
export async function placeOf(c: UserContext, { roomId, servers }: NamedRoom): Promise<Place> {
  const { objects, ports, requester } = c.var
  const rule = await ruleHere(c, roomId)
  if (rule !== undefined && (rule.elsewhere.length === 0 || !objects.servers.federates)) {
    return { roomId, servers, isElsewhere: false, rule }
  }
  const own = await objects.user(requester.userId).membershipIn(roomId)
  const names = [...servers, ...(rule?.elsewhere ?? [])]
  // Up to room version 11 a room's id names the server on which it was made.
  const known = candidates(names, [own?.inviter, roomId], ports.config.serverName)
  return { roomId, servers: known, isElsewhere: true }
}

/** Undefined where the room is not here, and others may know it. */
async function ruleHere(c: UserContext, roomId: string): Promise<HereRule | undefined> {
  try {
    return await c.var.objects.room(roomId).joinRule()
  } catch (error) {
    const isAbsent = error instanceof MatrixError && error.errcode === 'M_NOT_FOUND'
    if (isAbsent && c.var.objects.servers.federates) return undefined
    throw error
  }
}
