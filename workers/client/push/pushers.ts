/** Client-Server API §Push notifications: a user's pushers. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { Pusher } from '../../../src/objects/user/settings.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { looseObject } from '../../../src/protocol/json-schemas.ts'
import { pusherKey } from '../../../src/push/pusher-key.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { check, jsonObject } from '../../middleware/validate.ts'

/** Push Gateway API: the one path under which a gateway is to be found. */
const GATEWAY_PATH = '/_matrix/push/v1/notify'

/** "Max length, 512 bytes", "max length, 64 chars". */
const PUSHKEY_BYTES = 512
const APP_ID_LENGTH = 64
/** A client's own keys in `data` go to the gateway with every notification. */
const DATA_LENGTH = 4_096
const name = z.string().max(512)

const Named = z.object({
  app_id: z.string().min(1).max(APP_ID_LENGTH),
  pushkey: z
    .string()
    .min(1)
    .refine((key) => new TextEncoder().encode(key).length <= PUSHKEY_BYTES, 'must be at most 512 bytes'),
  kind: z.string().nullable(),
  append: z.boolean().optional(),
})

const HttpPusher = Named.omit({ append: true }).extend({
  kind: z.literal('http', 'must be http or null: nothing is sent in another way'),
  app_display_name: name,
  device_display_name: name,
  lang: name,
  profile_tag: name.optional(),
  'org.matrix.msc3881.enabled': z.boolean().optional(),
  data: looseObject({ url: z.string(), format: z.string().optional() }).refine(
    (data) => JSON.stringify(data).length <= DATA_LENGTH,
    'must be shorter',
  ),
})

export const pushers = new Hono<AppEnv>()

pushers.get(
  '/pushers',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read' }),
  async (c) => {
    const { objects, requester } = c.var
    return c.json({ pushers: await objects.user(requester.userId).pushers(requester.session) })
  },
)

pushers.post(
  '/pushers/set',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'write', json: jsonObject }),
  async (c) => {
    const { objects, requester, ports } = c.var
    const body = c.req.valid('json')
    const { kind, app_id: appId, pushkey, append = false } = check(Named, body, 'json')
    const user = objects.user(requester.userId)
    if (kind === null) {
      await user.removePusher(requester.session, appId, pushkey)
      return c.json({})
    }
    const pusher = check(HttpPusher, body, 'json')
    requireGateway(pusher.data.url, ports.config.allowPrivateNetworks)
    await user.setPusher(requester.session, pusher as Pusher)
    if (!append) await endOthers(c, pusher as Pusher)
    return c.json({})
  },
)

/**
 * "Otherwise, the homeserver MUST remove any other pushers with the same App ID and pushkey for different users." The
 * archive knows them a moment late. One that it does not know yet goes when this pusher is next set.
 */
async function endOthers(c: UserContext, pusher: Pusher): Promise<void> {
  const { objects, ports, requester } = c.var
  const owners = await ports.archiveReader.pusherOwners(pusherKey(pusher)).catch((): string[] => [])
  const others = owners.filter((userId) => userId !== requester.userId)
  await Promise.all(others.map((userId) => objects.user(userId).losePusher(pusher.app_id, pusher.pushkey)))
}

/** "MUST be an HTTPS URL with a path of /_matrix/push/v1/notify". @throws MatrixError M_INVALID_PARAM */
function requireGateway(url: string, plainAllowed: boolean): void {
  const gateway = URL.parse(url)
  const protocols = plainAllowed ? ['https:', 'http:'] : ['https:']
  if (gateway === null || !protocols.includes(gateway.protocol) || gateway.pathname !== GATEWAY_PATH) {
    throw new MatrixError('M_INVALID_PARAM', `data.url must be an https URL with the path ${GATEWAY_PATH}`)
  }
}
