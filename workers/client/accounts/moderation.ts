/** Client-Server API §Server administration: locking and suspending users, and their devices and addresses. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { Device } from '../../../src/objects/user/session.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { localpartOf } from '../../../src/protocol/identifiers.ts'
import type { AppContext, AppEnv, UserContext } from '../../app-env.ts'
import { forgetSessions } from '../../middleware/access-token.ts'
import { isAdmin } from '../../middleware/admin.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { UserId } from '../params.ts'

const OfUser = z.object({ userId: UserId })

/** The path's last word, and the flag it sets. */
const MEASURES = [
  { path: 'lock', flag: 'locked', Body: z.object({ locked: z.boolean() }) },
  { path: 'suspend', flag: 'suspended', Body: z.object({ suspended: z.boolean() }) },
] as const

/** Below `v1`. */
export const moderation = new Hono<AppEnv>()

for (const { path, flag, Body } of MEASURES) {
  moderation.get(
    `/admin/${path}/:userId`,
    endpoint({ auth: 'administrator', limit: 'read', param: OfUser }),
    async (c) => {
      const { userId } = c.req.valid('param')
      await requireModerable(c, userId)
      return c.json({ [flag]: (await c.var.objects.user(userId).standing())[flag] })
    },
  )

  moderation.put(
    `/admin/${path}/:userId`,
    endpoint({ auth: 'administrator', limit: 'write', param: OfUser, json: Body }),
    async (c) => {
      const { userId } = c.req.valid('param')
      const change: { locked?: boolean; suspended?: boolean } = c.req.valid('json')
      await requireModerable(c, userId)
      await c.var.objects.user(userId).setStanding({ [flag]: change[flag] })
      forgetSessions(userId)
      return c.json({ [flag]: change[flag] })
    },
  )
}

/** @throws MatrixError M_INVALID_PARAM, M_NOT_FOUND, or M_FORBIDDEN for administrators, oneself included */
async function requireModerable(c: AppContext, userId: string): Promise<void> {
  const { accounts } = c.var.ports
  if (!c.var.objects.servers.owns(userId)) {
    throw new MatrixError('M_INVALID_PARAM', 'The user must be one of this server')
  }
  const account = await accounts.find(localpartOf(userId))
  if (account === undefined || account.deactivated)
    throw new MatrixError('M_NOT_FOUND', 'There is no such user')
  if (account.admin) throw new MatrixError('M_FORBIDDEN', 'Administrators cannot be locked or suspended')
}

/** Below `v3`. */
export const whois = new Hono<AppEnv>()

whois.get(
  '/admin/whois/:userId',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read', param: OfUser }),
  (c) => tellWho(c, c.req.valid('param').userId),
)

/** Below `/_synapse/admin/v1`, as Synapse's tools ask for it. */
export const toolsWhois = new Hono<AppEnv>()

toolsWhois.get(
  '/whois/:userId',
  endpoint({ auth: 'device', guests: false, suspended: false, limit: 'free', param: OfUser }),
  (c) => tellWho(c, c.req.valid('param').userId),
)

async function tellWho(c: UserContext, userId: string): Promise<Response> {
  const { objects, requester } = c.var
  if (requester.userId !== userId && !(await isAdmin(c))) {
    throw new MatrixError('M_FORBIDDEN', 'Only the user and administrators may see this')
  }
  const devices = await objects.user(userId).whois()
  const known = devices.map((device) => [
    device.device_id,
    { sessions: [{ connections: connectionsOf(device) }] },
  ])
  return c.json({ user_id: userId, devices: Object.fromEntries(known) })
}

function connectionsOf({ last_seen_ip: ip, last_seen_ts: lastSeen }: Device): JsonObject[] {
  return ip === null || lastSeen === null ? [] : [{ ip, last_seen: lastSeen }]
}
