/** Client-Server API §Third-party Lookups: no bridge is connected, so there is no protocol and nothing to find. */
import { Hono } from 'hono'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'

export const thirdParty = new Hono<AppEnv>()

thirdParty.get(
  '/thirdparty/protocols',
  endpoint({ auth: 'device', guests: true, suspended: true, limit: 'read' }),
  (c) => c.json({}),
)

for (const path of ['/thirdparty/location', '/thirdparty/user']) {
  thirdParty.get(path, endpoint({ auth: 'device', guests: true, suspended: true, limit: 'read' }), (c) =>
    c.json([]),
  )
}

for (const kind of ['protocol', 'location', 'user']) {
  thirdParty.get(
    `/thirdparty/${kind}/:protocol`,
    endpoint({ auth: 'device', guests: true, suspended: true, limit: 'read' }),
    () => {
      throw new MatrixError('M_NOT_FOUND', 'No bridge to that protocol is connected')
    },
  )
}
