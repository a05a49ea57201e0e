/** Client-Server API §Account management: the password, the end of the account, and third-party ids, which this server does not have. */
import { Hono } from 'hono'
import * as z from 'zod'
import { AuthData, passwordHashOf } from '../../../src/accounts/interactive-auth.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { AppEnv } from '../../app-env.ts'
import { forgetSessions } from '../../middleware/access-token.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { challenge, confirm } from './confirm.ts'

const Password = z.object({
  new_password: z.string().optional(),
  logout_devices: z.boolean().default(true),
  auth: AuthData.optional(),
})

const Deactivation = z.object({
  erase: z.boolean().default(false),
  id_server: z.string().optional(),
  auth: AuthData.optional(),
})

export const account = new Hono<AppEnv>()

account.post(
  '/account/password',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: true,
    limit: 'write',
    json: Password,
    bodyOptional: true,
  }),
  async (c) => {
    const { new_password: password, logout_devices, auth } = c.req.valid('json')
    const endpoint = 'POST /account/password'
    const confirmed = await confirm(c, { endpoint, body: { logout_devices }, password, auth })
    if (confirmed instanceof Response) return confirmed
    const hash = passwordHashOf(confirmed)
    if (hash === undefined) throw new MatrixError('M_MISSING_PARAM', 'new_password is missing')
    const { objects, requester } = c.var
    await objects.user(requester.userId).changePassword(requester.session, hash, logout_devices)
    forgetSessions(requester.userId)
    return c.json({})
  },
)

account.post(
  '/account/deactivate',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: true,
    limit: 'write',
    json: Deactivation,
    bodyOptional: true,
  }),
  async (c) => {
    const { erase, auth } = c.req.valid('json')
    const unproved = await challenge(c, { endpoint: 'POST /account/deactivate', body: { erase }, auth })
    if (unproved !== undefined) return unproved
    const { objects, requester } = c.var
    await objects.user(requester.userId).deactivate(requester.session, erase)
    forgetSessions(requester.userId)
    // There is never anything to unbind.
    return c.json({ id_server_unbind_result: 'success' })
  },
)

account.get(
  '/account/3pid',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read' }),
  (c) => c.json({ threepids: [] }),
)

for (const path of ['/account/3pid', '/account/3pid/add', '/account/3pid/bind']) {
  account.post(path, endpoint({ auth: 'device', guests: false, suspended: true, limit: 'write' }), () => {
    throw new MatrixError('M_THREEPID_DENIED', 'This server takes no third-party identifiers')
  })
}

const ThirdPartyId = z.object({
  medium: z.enum(['email', 'msisdn']),
  address: z.string(),
  id_server: z.string().optional(),
})

/** Nothing is bound, so nothing can be left bound. */
for (const path of ['/account/3pid/delete', '/account/3pid/unbind']) {
  account.post(
    path,
    endpoint({ auth: 'device', guests: false, suspended: true, limit: 'write', json: ThirdPartyId }),
    (c) => c.json({ id_server_unbind_result: 'success' }),
  )
}

/** No mail and no SMS leave this server. */
const PURPOSES = [
  { purpose: 'register', limit: 'entry' },
  { purpose: 'account/password', limit: 'write' },
  { purpose: 'account/3pid', limit: 'write' },
] as const
for (const { purpose, limit } of PURPOSES) {
  for (const medium of ['email', 'msisdn']) {
    account.post(`/${purpose}/${medium}/requestToken`, endpoint({ auth: 'none', limit }), () => {
      throw new MatrixError('M_THREEPID_MEDIUM_NOT_SUPPORTED', 'This server sends neither mail nor SMS')
    })
  }
}
