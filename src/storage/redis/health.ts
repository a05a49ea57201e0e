/** What the deep health check was last told by Postgres, for all isolates. */
import * as z from 'zod'
import type { DeepHealth } from '../../ports/health.ts'
import type { RedisClients } from './client.ts'

const ANSWER = 'health:postgres'
const ASKED = 'health:postgres:asked'
const TIMEOUT_MS = 1000

const Kept = z.object({ ok: z.boolean(), at: z.number() })

/** The notes over these clients. */
export function redisHealth(clients: RedisClients): DeepHealth {
  const client = clients.within(TIMEOUT_MS)
  return {
    async lastAnswer() {
      const text = await client.get<string>(ANSWER)
      return text === null ? undefined : Kept.parse(JSON.parse(text))
    },
    isToAsk: async (seconds) => (await client.set(ASKED, '1', { nx: true, ex: seconds })) !== null,
    async note(answer, seconds) {
      await client.set(ANSWER, JSON.stringify(answer), { ex: seconds })
    },
  }
}
