/** Counters of rate limits in Redis: one for each key and window of time. */
import type { RateLimit, RateLimiter } from '../../ports/rate-limits.ts'
import type { Clock } from '../../ports/system.ts'
import type { RedisClients } from './client.ts'

const TIMEOUT_MS = 500

/** The limiter over these clients. One request for all keys of an action. */
export function redisRateLimiter(clients: RedisClients, clock: Clock): RateLimiter {
  const client = clients.within(TIMEOUT_MS)
  return {
    async hit(limit, keys) {
      if (keys.length === 0) return undefined
      const { name, endsInMs } = windowOf(limit, clock.now())
      const pipeline = client.pipeline()
      for (const key of keys) {
        pipeline.incr(name(key))
        pipeline.expire(name(key), limit.seconds)
      }
      const answers = await pipeline.exec<number[]>()
      const isOver = keys.some((_, index) => answers[2 * index]! > limit.count)
      return isOver ? endsInMs : undefined
    },
    async counted(limit, keys) {
      const { name, endsInMs } = windowOf(limit, clock.now())
      const values = await client.mget<(string | null)[]>(...keys.map(name))
      return { counts: values.map(Number), endsInMs }
    },
  }
}

function windowOf({ action, seconds }: RateLimit, now: number) {
  const windowMs = seconds * 1000
  const window = Math.floor(now / windowMs)
  return {
    name: (key: string) => `limit:${action}:${window}:${key}`,
    endsInMs: (window + 1) * windowMs - now,
  }
}
