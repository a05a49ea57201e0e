/** IP addresses as texts: one spelling for each, and the network by which the many addresses of one person are counted. */

const PREFIX_GROUPS = 4
/** The first six groups of an IPv4 address in the form of IPv6: RFC 4291 §2.5.5.2. */
const MAPPED = '0:0:0:0:0:ffff:'

/**
 * The one spelling of the address that a proxy or a socket names, with or without a port. IPv4 in the form of IPv6
 * becomes IPv4. Undefined for anything else.
 */
export function ipAddress(text: string): string | undefined {
  const [, v4] = /^(\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?$/.exec(text) ?? []
  if (v4 !== undefined) return hostOf(v4)
  const [, inBrackets, bare] =
    /^(?:\[([0-9A-Fa-f:.]{2,45})(?:%\w+)?\](?::\d{1,5})?|([0-9A-Fa-f:.]{2,45})(?:%\w+)?)$/.exec(text) ?? []
  const v6 = inBrackets ?? bare
  const host = v6?.includes(':') ? hostOf(`[${v6}]`) : undefined
  return host === undefined ? undefined : (mappedV4(host) ?? host.slice(1, -1))
}

/** The one spelling of a peer, which is an address with its port. */
export function peerName(text: string): string {
  return `${ipAddress(text)} ${text.slice(text.lastIndexOf(':') + 1)}`
}

/**
 * What an address counts as: an IPv4 address as itself, an IPv6 address as its first 64 bits, which belong to one
 * subscriber.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  return `${groupsOf(address).slice(0, PREFIX_GROUPS).join(':')}::/64`
}

/** URLs know every spelling of an address, and write one of them. */
function hostOf(host: string): string | undefined {
  return URL.parse(`http://${host}/`)?.hostname
}

function mappedV4(host: string): string | undefined {
  const groups = groupsOf(host.slice(1, -1))
  if (!groups.join(':').startsWith(MAPPED)) return undefined
  const [high, low] = groups.slice(-2).map((group) => Number.parseInt(group, 16))
  return [high! >> 8, high! & 255, low! >> 8, low! & 255].join('.')
}

/** All eight groups, of which `::` leaves some out. */
function groupsOf(address: string): string[] {
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  if (tail === undefined) return before
  const after = tail === '' ? [] : tail.split(':')
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
}
