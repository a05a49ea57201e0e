/** Tells the address of a pool from that of a database. */

/**
 * The host of an address that leads to Neon's pool: it hands each transaction to another session, and the locks that
 * keep two runs apart belong to a session.
 */
export function pooledHost(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { hostname } = new URL(url)
  return hostname.split('.')[0]!.endsWith('-pooler') ? hostname : undefined
}
