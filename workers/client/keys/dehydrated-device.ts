/** MSC3814: the dehydrated device, which takes messages while no client of the user is there. */
import { Hono } from 'hono'
import * as z from 'zod'
import { looseObject } from '../../../src/protocol/json-schemas.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { jsonObject } from '../../middleware/validate.ts'
import { Count, DeviceId } from '../params.ts'

const Upload = z.object({
  device_id: DeviceId,
  device_data: looseObject({ algorithm: z.string() }),
  initial_device_display_name: z.string().max(255).optional(),
  device_keys: jsonObject,
  one_time_keys: jsonObject.optional(),
  fallback_keys: jsonObject.optional(),
})
const OfDevice = z.object({ deviceId: DeviceId })
const Limit = Count.refine((limit) => limit > 0, 'must be positive')
const Page = z.object({ from: Count.optional(), limit: Limit.default(100) })
const PageBody = z.object({ next_batch: Count.optional() })

export const dehydratedDevice = new Hono<AppEnv>()

dehydratedDevice.get(
  '/dehydrated_device',
  endpoint({ auth: 'claims', guests: false, suspended: true, limit: 'keys' }),
  async (c) => {
    const { objects, requester } = c.var
    const { deviceId, data } = await objects.user(requester.userId).dehydratedDevice(requester.session)
    return c.json({ device_id: deviceId, device_data: data })
  },
)

dehydratedDevice.put(
  '/dehydrated_device',
  endpoint({ auth: 'claims', guests: false, suspended: true, limit: 'keys', json: Upload }),
  async (c) => {
    const { objects, requester } = c.var
    const body = c.req.valid('json')
    await objects.user(requester.userId).putDehydratedDevice(requester.session, {
      deviceId: body.device_id,
      displayName: body.initial_device_display_name,
      // As it was sent: what is sealed in it may have any shape.
      data: jsonObject.parse(body.device_data),
      keys: {
        deviceKeys: body.device_keys,
        oneTimeKeys: body.one_time_keys,
        fallbackKeys: body.fallback_keys,
      },
    })
    return c.json({ device_id: body.device_id })
  },
)

dehydratedDevice.delete(
  '/dehydrated_device',
  endpoint({ auth: 'claims', guests: false, suspended: true, limit: 'keys' }),
  async (c) => {
    const { objects, requester } = c.var
    return c.json({
      device_id: await objects.user(requester.userId).deleteDehydratedDevice(requester.session),
    })
  },
)

/** Clients page by GET and `from`, or, as the proposal had it first, by POST and `next_batch`. */
dehydratedDevice.get(
  '/dehydrated_device/:deviceId/events',
  endpoint({ auth: 'claims', guests: false, suspended: true, limit: 'keys', param: OfDevice, query: Page }),
  (c) => events(c, c.req.valid('param').deviceId, c.req.valid('query')),
)

dehydratedDevice.post(
  '/dehydrated_device/:deviceId/events',
  endpoint({
    auth: 'claims',
    guests: false,
    suspended: true,
    limit: 'keys',
    param: OfDevice,
    query: Page,
    json: PageBody,
    bodyOptional: true,
  }),
  (c) => {
    const from = c.req.valid('json').next_batch
    return events(c, c.req.valid('param').deviceId, { ...c.req.valid('query'), from })
  },
)

/** Some clients stop at a page without messages, others at a page without `next_batch`: the last page has neither. */
async function events(
  c: UserContext,
  deviceId: string,
  { from = 0, limit }: { from?: number; limit: number },
): Promise<Response> {
  const { objects, requester } = c.var
  const page = await objects.user(requester.userId).dehydratedEvents(requester.session, deviceId, from, limit)
  return c.json({
    events: page.events,
    ...(page.last !== undefined && { next_batch: String(page.last) }),
  })
}
