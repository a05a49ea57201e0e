/** Client-Server API §Login, §Logout, and the user of a token. */
import { Hono } from 'hono'
import * as z from 'zod'
import { logInByPassword } from '../../../src/accounts/login.ts'
import { knownLocalpart } from '../../../src/accounts/usernames.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { AppEnv } from '../../app-env.ts'
import { forgetSessions } from '../../middleware/access-token.ts'
import { clientAddress } from '../../middleware/client-address.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { guarded } from '../../middleware/guesses.ts'
import { DeviceId } from '../params.ts'

const Identifier = z.looseObject({ type: z.string(), user: z.string().optional() })

const Login = z.object({
  type: z.string(),
  identifier: Identifier.optional(),
  /** What `identifier` replaced in r0.4. */
  user: z.string().optional(),
  password: z.string().optional(),
  device_id: DeviceId.optional(),
  initial_device_display_name: z.string().optional(),
  refresh_token: z.boolean().default(false),
})

export const session = new Hono<AppEnv>()

session.get('/login', endpoint({ auth: 'none', limit: 'entry' }), (c) =>
  c.json({ flows: [{ type: 'm.login.password' }] }),
)

session.post('/login', endpoint({ auth: 'none', limit: 'entry', json: Login }), async (c) => {
  const body = c.req.valid('json')
  if (body.type !== 'm.login.password') {
    throw new MatrixError('M_UNKNOWN', 'This type of login is not supported: use m.login.password', {
      status: 400,
    })
  }
  const user = userOf(body)
  const { password } = body
  if (password === undefined) throw new MatrixError('M_MISSING_PARAM', 'password is missing')
  const { ports, objects } = c.var
  const wishes = {
    deviceId: body.device_id,
    displayName: body.initial_device_display_name,
    address: clientAddress(c),
    refresh: body.refresh_token,
  }
  const account = knownLocalpart(user, ports.config.serverName)
  const answer = await guarded(c, { account }, () =>
    logInByPassword(ports, objects.user, { user, password }, wishes),
  )
  // The device's former token is dead from now on.
  forgetSessions(answer.user_id, answer.device_id)
  return c.json(answer)
})

session.post(
  '/logout',
  endpoint({ auth: 'claims', guests: true, suspended: true, limit: 'write' }),
  async (c) => {
    const { objects, requester } = c.var
    await objects.user(requester.userId).logout(requester.session)
    forgetSessions(requester.userId, requester.deviceId)
    return c.json({})
  },
)

session.post(
  '/logout/all',
  endpoint({ auth: 'claims', guests: true, suspended: true, limit: 'write' }),
  async (c) => {
    const { objects, requester } = c.var
    await objects.user(requester.userId).logoutAll(requester.session)
    forgetSessions(requester.userId)
    return c.json({})
  },
)

session.get(
  '/account/whoami',
  endpoint({ auth: 'device', guests: true, suspended: true, limit: 'read' }),
  (c) => {
    const { userId, deviceId, guest = false } = c.var.requester.session
    return c.json({ user_id: userId, device_id: deviceId, is_guest: guest })
  },
)

/** @throws MatrixError M_FORBIDDEN for identifiers that no account here can have */
function userOf({ identifier, user }: z.infer<typeof Login>): string {
  if (identifier === undefined) {
    if (user === undefined) throw new MatrixError('M_MISSING_PARAM', 'identifier is missing')
    return user
  }
  if (identifier.type === 'm.id.thirdparty' || identifier.type === 'm.id.phone') {
    throw new MatrixError('M_FORBIDDEN', 'Invalid user name or password')
  }
  if (identifier.type !== 'm.id.user') {
    throw new MatrixError('M_UNKNOWN', 'This type of identifier is not supported: use m.id.user', {
      status: 400,
    })
  }
  if (identifier.user === undefined) throw new MatrixError('M_MISSING_PARAM', 'identifier.user is missing')
  return identifier.user
}
