/** Client-Server API §Device Management: the list of devices, and their names. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { AppEnv } from '../app-env.ts'
import { tokenClaims } from '../middleware/access-token.ts'
import { validate } from '../middleware/validate.ts'
import { DeviceId } from './params.ts'

const OfDevice = z.object({ deviceId: DeviceId })
const Change = z.object({ display_name: z.string().max(255).optional() })

export const devices = new Hono<AppEnv>()

devices.get('/devices', tokenClaims, async (c) => {
  const { objects, session } = c.var
  return c.json({ devices: await objects.user(session.userId).devices(session) })
})

devices.get('/devices/:deviceId', tokenClaims, validate({ param: OfDevice }), async (c) => {
  const { objects, session } = c.var
  return c.json(await objects.user(session.userId).device(session, c.req.valid('param').deviceId))
})

devices.put('/devices/:deviceId', tokenClaims, validate({ param: OfDevice, json: Change }), async (c) => {
  const { objects, session } = c.var
  const { deviceId } = c.req.valid('param')
  const { display_name: name } = c.req.valid('json')
  const user = objects.user(session.userId)
  // "If not given, the display name is unchanged": what is left is whether the device exists.
  if (name === undefined) await user.device(session, deviceId)
  else await user.renameDevice(session, deviceId, name)
  return c.json({})
})
