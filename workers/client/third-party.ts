/** Client-Server API §Third-party Lookups: no bridge is connected, so there is no protocol and nothing to find. */
import { Hono } from 'hono'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppEnv } from '../app-env.ts'
import { accessToken } from '../middleware/access-token.ts'

export const thirdParty = new Hono<AppEnv>()

thirdParty.get('/thirdparty/protocols', accessToken, (c) => c.json({}))

for (const path of ['/thirdparty/location', '/thirdparty/user']) {
  thirdParty.get(path, accessToken, (c) => c.json([]))
}

for (const kind of ['protocol', 'location', 'user']) {
  thirdParty.get(`/thirdparty/${kind}/:protocol`, accessToken, () => {
    throw new MatrixError('M_NOT_FOUND', 'No bridge to that protocol is connected')
  })
}
