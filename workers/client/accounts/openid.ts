/** Client-Server API §OpenID: a token that proves the user's identity to widgets and other services. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { jsonObject } from '../../middleware/validate.ts'
import { requireSelf, UserId } from '../params.ts'

const OfUser = z.object({ userId: UserId })
const TOKEN_LENGTH = 40
const LIFETIME_S = 3600

export const openId = new Hono<AppEnv>()

openId.post(
  '/user/:userId/openid/request_token',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: false,
    limit: 'openId',
    param: OfUser,
    json: jsonObject,
    bodyOptional: true,
  }),
  async (c) => {
    const { ports, requester } = c.var
    requireSelf(requester, c.req.valid('param').userId)
    const token = ports.random.token(TOKEN_LENGTH)
    await ports.openIdTokens.put(token, requester.userId, LIFETIME_S)
    return c.json({
      access_token: token,
      token_type: 'Bearer',
      matrix_server_name: ports.config.serverName,
      expires_in: LIFETIME_S,
    })
  },
)
