/** OpenID tokens in Redis, until they expire. */
import type { OpenIdTokenStore } from '../../ports/sessions.ts'
import type { RedisClients } from './client.ts'

const TIMEOUT_MS = 2000

/** The store of OpenID tokens over these clients. */
export function redisOpenIdTokens(clients: RedisClients): OpenIdTokenStore {
  const client = clients.within(TIMEOUT_MS)
  return {
    async put(token, userId, seconds) {
      await client.set(keyOf(token), userId, { ex: seconds })
    },
    async find(token) {
      return (await client.get<string>(keyOf(token))) ?? undefined
    },
  }
}

function keyOf(token: string): string {
  return `openid:${token}`
}
