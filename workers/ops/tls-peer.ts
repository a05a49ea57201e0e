/**
 * The clients behind the local TLS listener. The listener hands decrypted bytes on, so the runtime sees it as the peer.
 * It begins each connection with a request that names the client, and shows a secret of this start.
 */
import { timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import * as z from 'zod'
import { ipAddress } from '../../src/ip-address.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { noteTlsClient } from '../middleware/tls-clients.ts'

const Peer = z.object({ address: z.string(), secret: z.string() })

export const tlsPeer = new Hono<AppEnv>()

tlsPeer.put('/tls-peer', endpoint({ auth: 'none', limit: 'free', json: Peer }), (c) => {
  const { address, secret } = c.req.valid('json')
  const { clientIp: peer } = (c.req.raw.cf ?? {}) as { clientIp?: unknown }
  const client = ipAddress(address)
  if (!isSecret(secret, c.env.TLS_PEER_SECRET) || typeof peer !== 'string' || client === undefined) {
    throw new MatrixError('M_UNRECOGNIZED', 'Unknown path')
  }
  noteTlsClient(peer, client)
  return c.body(null, 204)
})

function isSecret(given: string, wanted: string | undefined): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted ?? '')]
  return b.length > 0 && a.length === b.length && timingSafeEqual(a, b)
}
