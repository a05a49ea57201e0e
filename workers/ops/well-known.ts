/** `/.well-known/matrix/*`: where clients and servers that know only the server's name find it. */
import { Hono } from 'hono'
import type { AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'

const HTTPS_PORT = '443'

/** Until an operator configures contacts, `support` has nothing to tell and answers as an unknown path. */
export const wellKnown = new Hono<AppEnv>()

wellKnown.get('/client', endpoint({ auth: 'none', limit: 'read' }), (c) =>
  c.json({
    'm.homeserver': { base_url: c.var.ports.config.publicUrl },
    // Some clients make dehydrated devices only if this says so.
    'org.matrix.msc3814': true,
  }),
)

wellKnown.get('/server', endpoint({ auth: 'none', limit: 'read' }), (c) =>
  c.json({ 'm.server': delegatedName(c.var.ports.config.publicUrl) }),
)

/** Always with a port: without one, other servers would try 8448, where no Worker listens. */
function delegatedName(publicUrl: string): string {
  const { hostname, port, protocol } = new URL(publicUrl)
  const standard = protocol === 'https:' ? HTTPS_PORT : '80'
  return `${hostname}:${port === '' ? standard : port}`
}
