/** Client-Server API §Cross-signing: the keys a user signs with, and the signatures made by them. */
import { Hono } from 'hono'
import * as z from 'zod'
import { AuthData } from '../../../src/accounts/interactive-auth.ts'
import type { SignatureUpload } from '../../../src/objects/user/keys.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { record } from '../../../src/protocol/json-schemas.ts'
import { publicKeyOf } from '../../../src/protocol/keys/cross-signing.ts'
import type { AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { jsonObject } from '../../middleware/validate.ts'
import { challenge } from '../accounts/confirm.ts'
import { UserId } from '../params.ts'

/** Objects signed in one request, and how many keys of other users may be among them: each other user costs a call. */
const MAX_OTHERS = 50

const Keys = z.object({
  master_key: jsonObject.optional(),
  self_signing_key: jsonObject.optional(),
  user_signing_key: jsonObject.optional(),
  auth: AuthData.optional(),
})
const Signed = record(UserId, record(z.string(), jsonObject))

export const crossSigning = new Hono<AppEnv>()

/** An upload of nothing counts as done: clients use it to ask whether the endpoint exists. */
crossSigning.post(
  '/keys/device_signing/upload',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'keys', json: Keys }),
  async (c) => {
    const { objects, requester } = c.var
    const { auth, ...body } = c.req.valid('json')
    const keys = {
      master: body.master_key,
      self_signing: body.self_signing_key,
      user_signing: body.user_signing_key,
    }
    const user = objects.user(requester.userId)
    if (await user.uploadCrossSigning(requester.session, keys, false)) return c.json({})
    const endpoint = 'POST /keys/device_signing/upload'
    const unproved = await challenge(c, { endpoint, body, auth })
    if (unproved !== undefined) return unproved
    await user.uploadCrossSigning(requester.session, keys, true)
    return c.json({})
  },
)

crossSigning.post(
  '/keys/signatures/upload',
  endpoint({ auth: 'claims', guests: false, suspended: true, limit: 'keys', json: Signed }),
  async (c) => {
    const { objects, requester } = c.var
    const { [requester.userId]: own = {}, ...rest } = c.req.valid('json')
    const others = Object.entries(rest)
    if (others.length > MAX_OTHERS) {
      throw new MatrixError('M_INVALID_PARAM', `A request may name at most ${MAX_OTHERS} other users`)
    }
    const local = others.filter(([userId]) => objects.servers.owns(userId))
    const found = await objects.publicKeys(local.map(([userId]) => ({ userId, deviceIds: [''] })))
    const masters = new Map(local.map(([userId], index) => [userId, found[index]?.master]))
    const upload: SignatureUpload = {
      own,
      others: Object.fromEntries(
        others.map(([userId, signed]) => [userId, beside(signed, masters.get(userId))]),
      ),
    }
    const failures = await objects.user(requester.userId).uploadSignatures(requester.session, upload)
    return c.json({ failures: failures as unknown as JsonObject })
  },
)

/** Each signed object; the master key comes with itself as the stored one. */
function beside(signed: Record<string, JsonObject>, master: JsonObject | undefined) {
  const entries = Object.entries(signed).map(([target, object]) => {
    const isMaster = master !== undefined && publicKeyOf(master) === target
    return [target, { signed: object, ...(isMaster && { stored: master }) }] as const
  })
  return Object.fromEntries(entries)
}
