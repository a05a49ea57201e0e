/** Where a request comes from: as a trusted proxy says, or as the server itself saw its peer. */
import { ipAddress, networkOf } from '../../src/ip-address.ts'
import type { AppContext } from '../app-env.ts'
import { behindTls } from './tls-clients.ts'

/** All requests without a known address count together. */
const UNKNOWN = 'unknown'

/** The client's address; undefined where it is not known. */
export function clientAddress(c: AppContext): string | undefined {
  const { clientAddressHeader } = c.var.ports.config
  if (clientAddressHeader === undefined) return peerAddress(c)
  // The last proxy wrote the last address. A client may have written the ones before it.
  return ipAddress(c.req.header(clientAddressHeader)?.split(',').at(-1)?.trim() ?? '')
}

/** What the client's address counts as. */
export function clientNetwork(c: AppContext): string {
  const address = clientAddress(c)
  return address === undefined ? UNKNOWN : networkOf(address)
}

/** Who holds the other end of the connection. On one machine the runtime writes its peer into `cf`; no header can. */
export function peerAddress(c: AppContext): string | undefined {
  const cf = c.req.raw.cf as { clientIp?: unknown } | undefined
  if (typeof cf?.clientIp !== 'string') return undefined
  return behindTls(cf.clientIp) ?? ipAddress(cf.clientIp)
}
