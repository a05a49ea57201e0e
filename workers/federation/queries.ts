/** Server-Server API §Querying for information: what other servers ask of this one's own names. */
import { Hono } from 'hono'
import * as z from 'zod'
import { MatrixError } from '../../src/protocol/errors.ts'
import { isRoomAlias } from '../../src/protocol/identifiers.ts'
import type { AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { federates } from './served.ts'

/** Below `/_matrix/federation/v1`. */
export const queries = new Hono<AppEnv>()

const Alias = z.object({ room_alias: z.string().refine(isRoomAlias, 'must be a room alias') })

queries.get(
  '/query/directory',
  endpoint({ auth: 'server', limit: 'federation', served: federates, query: Alias }),
  async (c) => {
    const { room_alias: alias } = c.req.valid('query')
    const { servers, room } = c.var.objects
    // "Servers should only be queried for room aliases that they own."
    const found = servers.owns(alias) ? await servers.roomOf(alias) : undefined
    if (found === undefined) throw new MatrixError('M_NOT_FOUND', 'No room has this alias')
    return c.json({ room_id: found.roomId, servers: await room(found.roomId).serversIn() })
  },
)
