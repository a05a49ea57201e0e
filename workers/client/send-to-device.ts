/** Client-Server API §Send-to-Device messaging. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { ToDeviceMessage } from '../../src/ports.ts'
import type { AppEnv } from '../app-env.ts'
import { tokenClaims } from '../middleware/access-token.ts'
import { jsonObject, validate } from '../middleware/validate.ts'
import { isLocal, UserId } from './params.ts'

const Place = z.object({ eventType: z.string().min(1).max(255), txnId: z.string().min(1).max(255) })
const Messages = z.object({ messages: z.record(UserId, z.record(z.string().max(255), jsonObject)) })

export const sendToDevice = new Hono<AppEnv>()

sendToDevice.put(
  '/sendToDevice/:eventType/:txnId',
  tokenClaims,
  validate({ param: Place, json: Messages }),
  async (c) => {
    const { objects, session } = c.var
    const { eventType: type, txnId } = c.req.valid('param')
    const messages: Record<string, ToDeviceMessage[]> = {}
    for (const [userId, byDevice] of Object.entries(c.req.valid('json').messages)) {
      // There is no way to other servers yet: what is for their users reaches nobody.
      if (!isLocal(userId, c.var.ports.config.serverName)) continue
      messages[userId] = Object.entries(byDevice).map(([deviceId, content]) => ({
        deviceId,
        type,
        content: JSON.stringify(content),
      }))
    }
    await objects.user(session.userId).sendToDevice(session, `${type}/${txnId}`, messages)
    return c.json({})
  },
)
