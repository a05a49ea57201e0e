/** A room after its first day: forgetting it, and replacing it by one of another version. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { InRoom, UserId } from '../params.ts'
import { forget } from './elsewhere/leave.ts'

const NONCE_LENGTH = 18

const Upgrade = z.object({ new_version: z.string(), additional_creators: z.array(UserId).default([]) })

export const forgetAndUpgrade = new Hono<AppEnv>()

/** Client-Server API §POST /rooms/{roomId}/forget. */
forgetAndUpgrade.post(
  '/rooms/:roomId/forget',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: true,
    limit: 'write',
    param: InRoom,
    json: z.object({}),
    bodyOptional: true,
  }),
  async (c) => {
    await forget(c, c.req.valid('param').roomId)
    return c.json({})
  },
)

/** Client-Server API §Room Upgrades. */
forgetAndUpgrade.post(
  '/rooms/:roomId/upgrade',
  endpoint({ auth: 'device', guests: false, suspended: false, limit: 'join', param: InRoom, json: Upgrade }),
  async (c) => {
    const { ports, objects, requester } = c.var
    const { roomId } = c.req.valid('param')
    const { new_version: version, additional_creators: additionalCreators } = c.req.valid('json')
    await objects.room(roomId).mayUpgrade(requester.userId, version)
    const replacement = await objects.room(roomId).upgrade({
      sender: requester.userId,
      // The same upgrade again gives the same room.
      profile: await objects.user(requester.userId).makeRoom(requester.session, `${roomId} ${version}`),
      version,
      additionalCreators,
      nonce: ports.random.token(NONCE_LENGTH),
    })
    await objects.noteRoom(replacement)
    // The old room's log moves them too, whatever becomes of this request; so they need not be waited for.
    await ports.aliases.move(roomId, replacement).catch(() => undefined)
    return c.json({ replacement_room: replacement })
  },
)
