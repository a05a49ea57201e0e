/**
 * What the launcher tells the Worker on one machine, by a secret of this start. The TLS listener hands decrypted bytes
 * on, so the runtime sees it as the peer: it begins each connection with a request that names the client.
 */
import { timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import * as z from 'zod'
import { ipAddress } from '../../src/ip-address.ts'
import { flushLines } from '../../src/log.ts'
import { MEDIA_STORES } from '../../src/ports/bucket.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { noteTlsClient } from '../middleware/tls-clients.ts'
import { endWaits } from '../middleware/waits.ts'

const Told = z.object({ secret: z.string() })
const Peer = Told.extend({ address: z.string() })
const Store = Told.extend({ store: z.enum(MEDIA_STORES) })
const Gone = Told.extend({ peers: z.array(z.string()) })

export const launcher = new Hono<AppEnv>()

launcher.put('/tls-peer', endpoint({ auth: 'none', limit: 'free', json: Peer }), (c) => {
  const { address, secret } = c.req.valid('json')
  requireLauncher(c, secret)
  const { clientIp: peer } = (c.req.raw.cf ?? {}) as { clientIp?: unknown }
  const client = ipAddress(address)
  if (typeof peer !== 'string' || client === undefined) throw unknownPath()
  noteTlsClient(peer, client)
  return c.body(null, 204)
})

/** Clients have closed their connections: nobody waits for the answers to requests on them. */
launcher.put('/gone', endpoint({ auth: 'none', limit: 'free', json: Gone }), (c) => {
  const { peers, secret } = c.req.valid('json')
  requireLauncher(c, secret)
  endWaits(peers)
  return c.body(null, 204)
})

/** Before the runtime is stopped. */
launcher.put('/flush', endpoint({ auth: 'none', limit: 'free', json: Told }), (c) => {
  requireLauncher(c, c.req.valid('json').secret)
  flushLines()
  return c.body(null, 204)
})

/** Whether a store of media is as its settings say, before anything is served. */
launcher.put('/media-store', endpoint({ auth: 'none', limit: 'free', json: Store }), async (c) => {
  const { store, secret } = c.req.valid('json')
  requireLauncher(c, secret)
  return c.json({ problem: await c.var.ports.mediaBuckets[store]?.problem() })
})

/** @throws MatrixError as for any path that is not there */
function requireLauncher(c: AppContext, given: string): void {
  const [a, b] = [Buffer.from(given), Buffer.from(c.env.LAUNCHER_SECRET ?? '')]
  if (b.length === 0 || a.length !== b.length || !timingSafeEqual(a, b)) throw unknownPath()
}

function unknownPath(): MatrixError {
  return new MatrixError('M_UNRECOGNIZED', 'Unknown path')
}
