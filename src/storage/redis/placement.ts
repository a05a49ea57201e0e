/** A copy of where the objects were made: an isolate asks it when it starts, and Postgres may sleep on. */
import * as z from 'zod'
import type { PlacementCopy } from '../../ports/placement.ts'
import type { RedisClients } from './client.ts'

const KEY = 'placement'
const KEPT_S = 24 * 60 * 60
const TIMEOUT_MS = 500

const Kept = z.object({ jurisdiction: z.string(), locationHint: z.string() })

/** The copy over these clients. */
export function redisPlacement(clients: RedisClients): PlacementCopy {
  const client = clients.within(TIMEOUT_MS)
  return {
    async get() {
      const text = await client.get<string>(KEY)
      return text === null ? undefined : Kept.parse(JSON.parse(text))
    },
    async put(placement) {
      await client.set(KEY, JSON.stringify(placement), { ex: KEPT_S })
    },
  }
}
