/** Nonces of shared-secret registration in Redis. */
import type { NonceStore } from '../../ports/sessions.ts'
import type { RedisClients } from './client.ts'

const KEPT_S = 60
const TIMEOUT_MS = 2000

/** The nonce store over these clients. */
export function redisNonces(clients: RedisClients): NonceStore {
  const client = clients.within(TIMEOUT_MS)
  return {
    async put(nonce) {
      await client.set(keyOf(nonce), '1', { ex: KEPT_S })
    },
    async take(nonce) {
      return (await client.del(keyOf(nonce))) === 1
    },
  }
}

function keyOf(nonce: string): string {
  return `nonce:${nonce}`
}
