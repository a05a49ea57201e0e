/** Client-Server API §Room aliases. */
import { Hono } from 'hono'
import * as z from 'zod'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { requireQuota } from '../../../src/quotas.ts'
import type { AppContext, AppEnv, UserContext } from '../../app-env.ts'
import { isAdmin } from '../../middleware/admin.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { InRoom, NewRoomAlias, RoomAlias, RoomId, roomOfAlias } from '../params.ts'

const OneAlias = z.object({ alias: RoomAlias })
const NewAlias = z.object({ alias: NewRoomAlias })
const Target = z.object({ room_id: RoomId })

export const aliases = new Hono<AppEnv>()

aliases.put(
  '/directory/room/:alias',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: false,
    limit: 'write',
    param: NewAlias,
    json: Target,
  }),
  async (c) => {
    const { ports, objects, requester } = c.var
    const { alias } = c.req.valid('param')
    const { room_id: roomId } = c.req.valid('json')
    if (!objects.servers.owns(alias)) {
      throw new MatrixError('M_INVALID_PARAM', `${alias} is not an alias of this server`)
    }
    if (!(await objects.room(roomId).isJoined(requester.userId))) {
      throw new MatrixError('M_FORBIDDEN', 'Only members of the room may give it an alias')
    }
    await requireAliases(c)
    const added = await ports.aliases.add({ alias, roomId, creator: requester.userId }, ports.clock.now())
    if (!added) throw new MatrixError('M_UNKNOWN', `${alias} is taken`, { status: 409 })
    return c.json({})
  },
)

/** Without a token: by the specification any client that knows an alias may ask for its room. */
aliases.get(
  '/directory/room/:alias',
  endpoint({ auth: 'none', limit: 'read', param: OneAlias }),
  async (c) => {
    const { roomId, servers } = await roomOfAlias(c, c.req.valid('param').alias)
    return c.json({ room_id: roomId, servers })
  },
)

aliases.delete(
  '/directory/room/:alias',
  endpoint({ auth: 'device', guests: false, suspended: false, limit: 'write', param: OneAlias }),
  async (c) => {
    const { ports, objects, requester } = c.var
    const { alias, roomId, creator } = await findAlias(c, c.req.valid('param').alias)
    const room = objects.room(roomId)
    const mayRemove =
      creator === requester.userId || (await room.mayEditAliases(requester.userId)) || (await isAdmin(c))
    if (!mayRemove) {
      throw new MatrixError(
        'M_FORBIDDEN',
        'Only the creator of an alias, or a user with the power to edit the aliases of the room, can remove it',
      )
    }
    // The state that names it goes first: if the request fails and is sent again, the rest is done.
    await room.dropAlias(requester.userId, alias)
    await ports.aliases.remove(alias)
    return c.json({})
  },
)

aliases.get(
  '/rooms/:roomId/aliases',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read', param: InRoom }),
  async (c) => {
    const { roomId } = c.req.valid('param')
    await requireReadable(c, roomId)
    return c.json({ aliases: await c.var.ports.aliases.ofRoom(roomId) })
  },
)

/** @throws MatrixError M_RESOURCE_LIMIT_EXCEEDED where the user may make no further alias */
export async function requireAliases(c: UserContext): Promise<void> {
  const { aliases: store, config } = c.var.ports
  if (config.quotas.aliases === 0) return
  requireQuota(config.quotas, 'aliases', (await store.madeBy(c.var.requester.userId)) + 1)
}

async function findAlias(c: AppContext, alias: string) {
  const found = await c.var.ports.aliases.find(alias)
  if (found === undefined) throw new MatrixError('M_NOT_FOUND', `There is no room alias ${alias} here`)
  return found
}

/** "Only members of the room, or anybody if the room is world readable." */
async function requireReadable(c: UserContext, roomId: string): Promise<void> {
  const room = c.var.objects.room(roomId)
  const { userId } = c.var.requester
  if (await room.isJoined(userId)) return
  const { content } = await room.stateEvent(userId, 'm.room.history_visibility', '')
  if (content.history_visibility === 'world_readable') return
  throw new MatrixError('M_FORBIDDEN', 'Only members of the room may see its aliases')
}
