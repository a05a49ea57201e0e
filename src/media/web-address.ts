/**
 * Which addresses the server may look at for a user: those of the public internet. A name may still stand for a
 * private address; what cannot be seen here is stopped by the network, on Cloudflare and on one machine alike.
 */
import { isPublicHost } from '../public-host.ts'

const LONGEST = 4_096

/**
 * The URL that `text` stands for, relative to `base` where given.
 * @param privateAllowed whether it may be of a private network
 */
export function webAddress(
  text: string,
  { privateAllowed, base }: { privateAllowed: boolean; base?: URL },
): URL | 'invalid' | 'forbidden' {
  const url = text.length > LONGEST ? null : URL.parse(text.trim(), base?.href)
  if (url === null || !/^https?:$/.test(url.protocol)) return 'invalid'
  // A password in a URL that somebody else wrote is not used.
  if (url.username !== '' || url.password !== '') return 'invalid'
  if (!privateAllowed && !isPublicHost(url.hostname)) return 'forbidden'
  url.hash = ''
  return url
}
