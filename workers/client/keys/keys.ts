/** Client-Server API §Key management API: what devices publish, and what others ask for to encrypt to them. */
import { Hono } from 'hono'
import * as z from 'zod'
import { UNREACHABLE } from '../../../durable-objects/gate.ts'
import type { KeyClaims, PrivateKeys, PublicKeys } from '../../../src/objects/user/keys.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { record } from '../../../src/protocol/json-schemas.ts'
import { publicKeyOf } from '../../../src/protocol/keys/cross-signing.ts'
import { withSignatures } from '../../../src/protocol/keys/device-keys.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { countActions } from '../../middleware/rate-limit.ts'
import { jsonObject } from '../../middleware/validate.ts'
import { UserId } from '../params.ts'

/** How many users one query may name: what fits a request, and what one invocation can ask. */
const MAX_USERS = 5_000

const Upload = z.object({
  device_keys: jsonObject.optional(),
  one_time_keys: jsonObject.optional(),
  fallback_keys: jsonObject.optional(),
  'org.matrix.msc2732.fallback_keys': jsonObject.optional(),
})
const Timeout = z.int().nonnegative().optional()
const Query = z.object({ device_keys: record(UserId, z.array(z.string())), timeout: Timeout })
const Claim = z.object({
  one_time_keys: record(UserId, record(z.string(), z.string())),
  timeout: Timeout,
})
const Span = z.object({ from: z.string(), to: z.string() })

export const keys = new Hono<AppEnv>()

keys.post(
  '/keys/upload',
  endpoint({ auth: 'claims', guests: true, suspended: true, limit: 'keys', json: Upload }),
  async (c) => {
    const { objects, requester } = c.var
    const body = c.req.valid('json')
    const counts = await objects.user(requester.userId).uploadKeys(requester.session, {
      deviceKeys: body.device_keys,
      oneTimeKeys: body.one_time_keys,
      fallbackKeys: body.fallback_keys ?? body['org.matrix.msc2732.fallback_keys'],
    })
    return c.json({ one_time_key_counts: counts })
  },
)

keys.post(
  '/keys/query',
  endpoint({ auth: 'claims', guests: true, suspended: true, limit: 'keys', json: Query }),
  async (c) => {
    const { objects, requester } = c.var
    const { device_keys: asked } = c.req.valid('json')
    const { here, failures } = byServer(c, asked)
    const userIds = Object.keys(here)
    const own = await objects.user(requester.userId).privateKeys(requester.session, userIds)
    const queries = Object.entries(here).map(([userId, deviceIds]) => ({ userId, deviceIds }))
    const found = await objects.publicKeys(queries)
    if (found.includes(undefined)) failures[c.var.ports.config.serverName] = UNREACHABLE
    const known = userIds.map((userId, index) => [userId, found[index]] as const)
    return c.json({ ...answerOf(known, own, requester.userId), failures })
  },
)

keys.post(
  '/keys/claim',
  endpoint({ auth: 'device', guests: true, suspended: true, limit: 'keys', json: Claim }),
  async (c) => {
    const { here, failures } = byServer(c, c.req.valid('json').one_time_keys)
    const claimed = await c.var.objects.claimKeys(
      Object.entries(here).map(([userId, claims]) => ({ userId, claims: claims as KeyClaims })),
    )
    if (claimed.includes(undefined)) failures[c.var.ports.config.serverName] = UNREACHABLE
    const userIds = Object.keys(here)
    const found = claimed.map((devices, index) => [userIds[index], devices] as const)
    const given = found.filter(([, devices]) => devices !== undefined && Object.keys(devices).length > 0)
    return c.json({ one_time_keys: Object.fromEntries(given), failures })
  },
)

keys.get(
  '/keys/changes',
  endpoint({ auth: 'claims', guests: true, suspended: true, limit: 'read', query: Span }),
  async (c) => {
    const { objects, requester } = c.var
    const { from, to } = c.req.valid('query')
    return c.json(await objects.user(requester.userId).keyChanges(requester.session, from, to))
  },
)

/** What is asked of this server, and a failure for each other server, since there is no way to them. */
function byServer<T>(c: UserContext, asked: Record<string, T>) {
  const { length } = Object.keys(asked)
  if (length > MAX_USERS)
    throw new MatrixError('M_INVALID_PARAM', `A request may name at most ${MAX_USERS} users`)
  countActions(c, 'keyTargets', length)
  return c.var.objects.servers.askedHere(asked)
}

/** The maps of /keys/query: only the owner sees the user-signing key and what it signed. */
function answerOf(
  found: readonly (readonly [string, PublicKeys | undefined])[],
  own: PrivateKeys,
  viewer: string,
): JsonObject {
  const devices: JsonObject = {}
  const master: JsonObject = {}
  const selfSigning: JsonObject = {}
  const userSigning: JsonObject = {}
  for (const [userId, keysOf] of found) {
    if (keysOf === undefined) continue
    devices[userId] = keysOf.devices
    if (keysOf.master !== undefined) {
      const signatures = userId === viewer ? {} : (own.signatures[publicKeyOf(keysOf.master)] ?? {})
      master[userId] = withSignatures(keysOf.master, viewer, signatures)
    }
    if (keysOf.selfSigning !== undefined) selfSigning[userId] = keysOf.selfSigning
    if (userId === viewer && own.userSigning !== undefined) userSigning[userId] = own.userSigning
  }
  return {
    device_keys: devices,
    master_keys: master,
    self_signing_keys: selfSigning,
    user_signing_keys: userSigning,
  }
}
