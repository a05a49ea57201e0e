/** Client-Server API §Refreshing access tokens. */
import { Hono } from 'hono'
import * as z from 'zod'
import { readRefreshToken, refresh } from '../../../src/accounts/refresh.ts'
import type { AppEnv } from '../../app-env.ts'
import { forgetSessions } from '../../middleware/access-token.ts'
import { endpoint } from '../../middleware/endpoint.ts'

const Refresh = z.object({ refresh_token: z.string() })

/** Below `v3`, and below `v1` for clients from before the specification. */
export const refreshing = new Hono<AppEnv>()

refreshing.post('/refresh', endpoint({ auth: 'none', limit: 'entry', json: Refresh }), async (c) => {
  const { ports, objects } = c.var
  const token = await readRefreshToken(ports, c.req.valid('json').refresh_token)
  try {
    return c.json(await refresh(ports, objects.user, token))
  } finally {
    // A session may have ended, whether the request was refused or not.
    forgetSessions(token.userId, token.deviceId)
  }
})
