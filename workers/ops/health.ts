/** `/health`: live, and in which version; with `?deep`, for those who monitor, how its parts do. `/metrics`: Prometheus. */
import { Hono } from 'hono'
import { VERSION } from '../../src/version.ts'
import type { AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { deepHealth } from './deep-health.ts'
import { requireMonitor } from './monitor.ts'

export const health = new Hono<AppEnv>()

health.get('/health', endpoint({ auth: 'none', limit: 'free' }), async (c) => {
  if (c.req.query('deep') === undefined) return c.json({ status: 'ok', version: VERSION })
  await requireMonitor(c)
  const { parts, askedTs } = await deepHealth(c)
  const ok = Object.values(parts).every((state) => state !== 'down')
  const answer = { status: ok ? 'ok' : 'degraded', version: VERSION, parts, postgres_asked_ts: askedTs }
  return c.json(answer, ok ? 200 : 503)
})
