/** Interactive-auth sessions in Redis. */
import * as z from 'zod'
import type { UiaSession, UiaStore } from '../../ports/sessions.ts'
import type { JsonObject } from '../../protocol/events/canonical-json.ts'
import { record } from '../../protocol/json-schemas.ts'
import type { RedisClients } from './client.ts'

const KEPT_S = 3600
const TIMEOUT_MS = 2000

const Stored = z.object({
  endpoint: z.string(),
  body: z.custom<JsonObject>((value) => typeof value === 'object' && value !== null),
  completed: z.array(z.string()),
  facts: record(z.string(), z.string()),
})

/** The interactive-auth store over these clients. */
export function redisUia(clients: RedisClients): UiaStore {
  const client = clients.within(TIMEOUT_MS)
  return {
    async get(id) {
      const text = await client.get<string>(keyOf(id))
      return text === null ? undefined : { id, ...Stored.parse(JSON.parse(text)) }
    },
    async put({ id, ...session }: UiaSession) {
      await client.set(keyOf(id), JSON.stringify(session), { ex: KEPT_S })
    },
    async take(id) {
      return (await client.del(keyOf(id))) === 1
    },
  }
}

function keyOf(id: string): string {
  return `uia:${id}`
}
