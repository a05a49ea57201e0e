/** TURN credentials: a name that says until when it is good, and its HMAC under the secret shared with the TURN servers. */
import { createHmac } from 'node:crypto'
import type { Ports } from '../ports/ports.ts'

const LIFETIME_S = 86_400

export interface TurnCredentials {
  username: string
  password: string
  uris: string[]
  ttl: number
}

/** Credentials for a day; empty if no TURN server is configured, since clients take an empty object to mean that. */
export function turnCredentials(
  { config, clock }: Pick<Ports, 'config' | 'clock'>,
  userId: string,
): TurnCredentials | Record<string, never> {
  if (config.turn === undefined) return {}
  const { uris, secret } = config.turn
  const username = `${Math.floor(clock.now() / 1000) + LIFETIME_S}:${userId}`
  const password = createHmac('sha1', secret).update(username).digest('base64')
  return { username, password, uris, ttl: LIFETIME_S }
}
