/** `/metrics`: Prometheus text. */
import { Hono } from 'hono'
import { CONTENT_TYPE, exposition } from '../../src/metrics/exposition.ts'
import type { AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { countedBy } from './counted.ts'
import { gaugesOf } from './gauges.ts'

export const metrics = new Hono<AppEnv>()

metrics.get('/metrics', endpoint({ auth: 'metrics', limit: 'free' }), async (c) => {
  const [series, gauges] = await Promise.all([countedBy(c), gaugesOf(c)])
  return c.body(exposition(series, gauges), 200, { 'Content-Type': CONTENT_TYPE })
})
