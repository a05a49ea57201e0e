/** Previews of URLs in Redis, for as long as they are fresh. */
import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { PreviewCache } from '../../ports/web.ts'
import { record } from '../../protocol/json-schemas.ts'
import type { RedisClients } from './client.ts'

const TIMEOUT_MS = 500

const Stored = z.union([
  z.object({ preview: record(z.string(), z.union([z.string(), z.number()])) }),
  z.object({ failure: z.enum(['forbidden', 'unreachable']) }),
])

/** The cache over these clients. */
export function redisPreviews(clients: RedisClients): PreviewCache {
  const client = clients.within(TIMEOUT_MS)
  return {
    async find(url) {
      const text = await client.get<string>(keyOf(url))
      return text === null ? undefined : Stored.parse(JSON.parse(text))
    },
    async put(url, outcome, seconds) {
      await client.set(keyOf(url), JSON.stringify(outcome), { ex: seconds })
    },
  }
}

/** URLs are of any length, and may hold secrets. */
function keyOf(url: string): string {
  return `preview:${createHash('sha256').update(url).digest('hex')}`
}
