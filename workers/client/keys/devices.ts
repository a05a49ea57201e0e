/** Client-Server API §Device Management: the list of devices, their names, and their end. */
import { Hono } from 'hono'
import * as z from 'zod'
import { AuthData } from '../../../src/accounts/interactive-auth.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { forgetSessions } from '../../middleware/access-token.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { challenge } from '../accounts/confirm.ts'
import { DeviceId } from '../params.ts'

const OfDevice = z.object({ deviceId: DeviceId })
const Deletion = z.object({ auth: AuthData.optional() })
/** More devices than anybody has. */
const MAX_DELETED = 1_000
const Deletions = Deletion.extend({ devices: z.array(z.string()).max(MAX_DELETED) })
const Change = z.object({ display_name: z.string().max(255).optional() })

export const devices = new Hono<AppEnv>()

devices.get(
  '/devices',
  endpoint({ auth: 'claims', guests: true, suspended: true, limit: 'read' }),
  async (c) => {
    const { objects, requester } = c.var
    return c.json({ devices: await objects.user(requester.userId).devices(requester.session) })
  },
)

devices.get(
  '/devices/:deviceId',
  endpoint({ auth: 'claims', guests: true, suspended: true, limit: 'read', param: OfDevice }),
  async (c) => {
    const { objects, requester } = c.var
    return c.json(
      await objects.user(requester.userId).device(requester.session, c.req.valid('param').deviceId),
    )
  },
)

devices.put(
  '/devices/:deviceId',
  endpoint({ auth: 'claims', guests: true, suspended: true, limit: 'write', param: OfDevice, json: Change }),
  async (c) => {
    const { objects, requester } = c.var
    const { deviceId } = c.req.valid('param')
    const { display_name: name } = c.req.valid('json')
    const user = objects.user(requester.userId)
    // "If not given, the display name is unchanged": the only question left is whether the device exists.
    if (name === undefined) await user.device(requester.session, deviceId)
    else await user.renameDevice(requester.session, deviceId, name)
    return c.json({})
  },
)

devices.delete(
  '/devices/:deviceId',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: true,
    limit: 'write',
    param: OfDevice,
    json: Deletion,
    bodyOptional: true,
  }),
  async (c) => {
    const { deviceId } = c.req.valid('param')
    const { auth } = c.req.valid('json')
    const body = { device: deviceId }
    const unproved = await challenge(c, { endpoint: 'DELETE /devices', body, auth })
    return unproved ?? remove(c, [deviceId])
  },
)

devices.post(
  '/delete_devices',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'write', json: Deletions }),
  async (c) => {
    const { devices: ids, auth } = c.req.valid('json')
    const unproved = await challenge(c, { endpoint: 'POST /delete_devices', body: { devices: ids }, auth })
    return unproved ?? remove(c, ids)
  },
)

async function remove(c: UserContext, deviceIds: string[]): Promise<Response> {
  const { objects, requester } = c.var
  await objects.user(requester.userId).deleteDevices(requester.session, deviceIds)
  forgetSessions(requester.userId)
  return c.json({})
}
