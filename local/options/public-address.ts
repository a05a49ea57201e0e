/** Which addresses can be reached from beyond this machine and its own network. */
import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/** Loopback, private networks, and addresses that a link gives itself. */
const inner = new BlockList()
for (const [network, prefix] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
] as const) {
  inner.addSubnet(network, prefix, 'ipv4')
}
for (const [network, prefix] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const) {
  inner.addSubnet(network, prefix, 'ipv6')
}

/** Names that no public DNS has. */
const INNER_NAME = /(^|\.)(localhost|local|internal|lan|home\.arpa|test)$/

/** The address that means all addresses of a machine. */
export function isUnspecified(host: string): boolean {
  return /^\[?[0:]+\]?$/.test(host) || /^0+(\.0+){0,3}$/.test(host)
}

/** An address that is not this machine's: listening there fails anyway, with a better sentence. */
export function isElsewhere(host: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return isIP(host) !== 0 && !isUnspecified(host) && !own.some(({ address }) => address === host)
}

/** Whether everybody may reach the host: by its name, by its address, or because it stands for all addresses. */
export function isPublic(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  const family = isIP(bare)
  if (family === 0) return !INNER_NAME.test(bare)
  return !inner.check(bare, family === 6 ? 'ipv6' : 'ipv4')
}
