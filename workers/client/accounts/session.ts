/** Client-Server API §Login, §Logout, and the user of a token. */
import { Hono } from 'hono'
import * as z from 'zod'
import { logInByPassword } from '../../../src/accounts/login.ts'
import type { SessionAnswer } from '../../../src/accounts/sessions.ts'
import { knownLocalpart } from '../../../src/accounts/usernames.ts'
import type { Config } from '../../../src/ports/config.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { looseObject } from '../../../src/protocol/json-schemas.ts'
import type { AppContext, AppEnv } from '../../app-env.ts'
import { forgetSessions } from '../../middleware/access-token.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { guarded } from '../../middleware/guesses.ts'
import { DeviceId } from '../params.ts'
import { beginByToken, deviceOf, takesTokens } from './by-token.ts'

const Identifier = looseObject({ type: z.string(), user: z.string().optional() })

const Login = z.object({
  type: z.string(),
  identifier: Identifier.optional(),
  /** What `identifier` replaced in r0.4. */
  user: z.string().optional(),
  password: z.string().optional(),
  /** Of another system. */
  token: z.string().optional(),
  device_id: DeviceId.optional(),
  initial_device_display_name: z.string().optional(),
  refresh_token: z.boolean().default(false),
})

export const session = new Hono<AppEnv>()

type LoginBody = z.infer<typeof Login>

/** Logins by what they prove the user with; `offered`: where the settings have no systems, there are no tokens. */
const LOGINS: readonly {
  type: string
  offered: (config: Config) => boolean
  begin: (c: AppContext, body: LoginBody) => Promise<SessionAnswer>
}[] = [
  { type: 'm.login.password', offered: () => true, begin: byPassword },
  {
    type: 'org.matrix.login.jwt',
    offered: takesTokens,
    begin: byToken,
  },
]

const offeredBy = (config: Config) => LOGINS.filter(({ offered }) => offered(config))

session.get('/login', endpoint({ auth: 'none', limit: 'entry' }), (c) =>
  c.json({ flows: offeredBy(c.var.ports.config).map(({ type }) => ({ type })) }),
)

session.post('/login', endpoint({ auth: 'none', limit: 'entry', json: Login }), async (c) => {
  const body = c.req.valid('json')
  const offered = offeredBy(c.var.ports.config)
  const login = offered.find(({ type }) => type === body.type)
  if (login === undefined) {
    const types = offered.map(({ type }) => type).join(' or ')
    throw new MatrixError('M_UNKNOWN', `This type of login is not supported: use ${types}`, { status: 400 })
  }
  const answer = await login.begin(c, body)
  // The device's former token is dead from now on.
  forgetSessions(answer.user_id, answer.device_id)
  return c.json(answer)
})

function byPassword(c: AppContext, body: LoginBody): Promise<SessionAnswer> {
  const user = userOf(body)
  const { password } = body
  if (password === undefined) throw new MatrixError('M_MISSING_PARAM', 'password is missing')
  const { ports, objects } = c.var
  const wishes = { ...deviceOf(c, body), refresh: body.refresh_token }
  const account = knownLocalpart(user, ports.config.serverName)
  return guarded(c, { account }, () => logInByPassword(ports, objects.user, { user, password }, wishes))
}

/** Synapse's way of signing in by a JWT: clients and SDKs know it. */
function byToken(c: AppContext, body: LoginBody): Promise<SessionAnswer> {
  const { token } = body
  if (token === undefined) throw new MatrixError('M_MISSING_PARAM', 'token is missing')
  return beginByToken(c, token, body)
}

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
function userOf({ identifier, user }: LoginBody): string {
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
