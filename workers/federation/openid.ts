/**
 * Server-Server API §OpenID: the user of an OpenID token. Any service that has the token may ask, so nothing is signed.
 */
import { Hono } from 'hono'
import { writeRefusal } from '../../src/accounts/standing.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'

/** Below `/_matrix/federation/v1`. */
export const openIdUserInfo = new Hono<AppEnv>()

openIdUserInfo.get('/openid/userinfo', endpoint({ auth: 'none', limit: 'read' }), async (c) => {
  const token = c.req.query('access_token')
  if (!token) throw new MatrixError('M_MISSING_TOKEN', 'Missing access token')
  const userId = await c.var.ports.openIdTokens.find(token)
  // A user that could not ask for a token now has none: it would prove them elsewhere for the rest of its hour.
  if (userId === undefined || (await mayNotTell(c, userId)))
    throw new MatrixError('M_UNKNOWN_TOKEN', 'Unrecognised or expired OpenID token')
  return c.json({ sub: userId })
})

/** Whether the account was closed, locked or suspended since. */
async function mayNotTell(c: AppContext, userId: string): Promise<boolean> {
  return writeRefusal(await c.var.objects.user(userId).standing()) !== undefined
}
