/** Client-Server API §Voice over IP: the TURN servers. */
import { Hono } from 'hono'
import { turnCredentials } from '../../src/accounts/turn.ts'
import type { AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'

export const voip = new Hono<AppEnv>()

voip.get(
  '/voip/turnServer',
  endpoint({ auth: 'device', guests: false, suspended: true, limit: 'read' }),
  (c) => c.json(turnCredentials(c.var.ports, c.var.requester.userId)),
)
