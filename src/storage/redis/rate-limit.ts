/** Counters of rate limits in Redis: one for each key and window of time. */
import type { Clock, RateLimiter } from '../../ports.ts'
import type { RedisClients } from './client.ts'

const TIMEOUT_MS = 500

/** The limiter over these clients. One request for all keys of an action. */
export function redisRateLimiter(clients: RedisClients, clock: Clock): RateLimiter {
  const client = clients.within(TIMEOUT_MS)
  return {
    async hit({ action, count, seconds }, keys) {
      if (keys.length === 0) return undefined
      const windowMs = seconds * 1000
      const now = clock.now()
      const window = Math.floor(now / windowMs)
      const pipeline = client.pipeline()
      for (const key of keys) {
        const counter = `limit:${action}:${window}:${key}`
        pipeline.incr(counter)
        pipeline.expire(counter, seconds)
      }
      const answers = await pipeline.exec<number[]>()
      const isOver = keys.some((_, index) => answers[2 * index]! > count)
      return isOver ? (window + 1) * windowMs - now : undefined
    },
  }
}
