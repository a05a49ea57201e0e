/** Which hosts belong to the public internet, as far as their name or their address says so. */

/** The first of each range, and how many of its 32 bits say so: IANA's registry of special IPv4 addresses. */
const SPECIAL_V4: [first: number, bits: number][] = [
  [ipv4('0.0.0.0'), 8],
  [ipv4('10.0.0.0'), 8],
  // Shared by carriers' networks.
  [ipv4('100.64.0.0'), 10],
  [ipv4('127.0.0.0'), 8],
  // Link-local, and with it the metadata of clouds.
  [ipv4('169.254.0.0'), 16],
  [ipv4('172.16.0.0'), 12],
  [ipv4('192.0.0.0'), 24],
  [ipv4('192.0.2.0'), 24],
  [ipv4('192.88.99.0'), 24],
  [ipv4('192.168.0.0'), 16],
  [ipv4('198.18.0.0'), 15],
  [ipv4('198.51.100.0'), 24],
  [ipv4('203.0.113.0'), 24],
  // Multicast and above.
  [ipv4('224.0.0.0'), 3],
]

/** Of the upper 32 bits. All but 2000::/3 is refused anyway, and with it IPv4 in the form of IPv6. */
const SPECIAL_V6: [first: number, bits: number][] = [
  [0x2001_0000, 23],
  [0x2001_0db8, 32],
  // 6to4: any IPv4 address.
  [0x2002_0000, 16],
  [0x3fff_0000, 20],
]

/** Names that never belong to the public internet. */
const PRIVATE_NAME = /(^|\.)(localhost|localdomain|local|internal|intranet|private|lan|home|corp|home\.arpa)$/

/** @param host as `URL` writes it: every spelling of an IPv4 address has become the one with four decimals */
export function isPublicHost(host: string): boolean {
  if (host.startsWith('[')) return isPublicV6(host.slice(1, -1))
  if (/^\d+(\.\d+){3}$/.test(host)) return !SPECIAL_V4.some((range) => isIn(ipv4(host), range))
  const name = host.replace(/\.$/, '')
  return name.includes('.') && !PRIVATE_NAME.test(name)
}

function isPublicV6(address: string): boolean {
  const [first, second] = address.split(':').map((group) => Number.parseInt(group || '0', 16))
  const top = first! * 0x1_0000 + (second ?? 0)
  return isIn(top, [0x2000_0000, 3]) && !SPECIAL_V6.some((range) => isIn(top, range))
}

function ipv4(text: string): number {
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

function isIn(address: number, [first, bits]: [number, number]): boolean {
  const size = 2 ** (32 - bits)
  return address >= first && address < first + size
}
