/** Server-Server API §Server implementation. */
import { Hono } from 'hono'
import { VERSION } from '../../src/version.ts'
import type { AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { federates } from './served.ts'

/** Below `/_matrix/federation/v1`. */
export const serverVersion = new Hono<AppEnv>()

serverVersion.get('/version', endpoint({ auth: 'none', limit: 'read', served: federates }), (c) =>
  c.json({ server: { name: 'Selvedge', version: VERSION } }),
)
