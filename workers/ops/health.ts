/** `/health`: live, and in which version; with `?deep` also whether the databases and the object storage answer. */
import { Hono } from 'hono'
import { VERSION } from '../../src/version.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'

const PROBE_LIMIT_MS = 1000

/** Each asks for something that is not there: the cheapest question that the part must answer itself. */
const PROBES: Record<string, (c: AppContext) => Promise<unknown>> = {
  postgres: (c) => c.var.ports.aliases.find('#:'),
  redis: (c) => c.var.ports.uia.get('health'),
}

/** The store that is written, by its name. */
function mediaProbe({ var: { ports } }: AppContext): typeof PROBES {
  const { mediaStore } = ports.config
  return { [mediaStore]: async () => ports.mediaBuckets[mediaStore]?.ping() }
}

export const health = new Hono<AppEnv>()

health.get('/health', endpoint({ auth: 'none', limit: 'free' }), async (c) => {
  if (c.req.query('deep') === undefined) return c.json({ status: 'ok', version: VERSION })
  const probes = { ...PROBES, ...mediaProbe(c) }
  const names = Object.keys(probes)
  const answered = await Promise.all(names.map((name) => answersInTime(probes[name]!(c))))
  const parts = Object.fromEntries(names.map((name, index) => [name, answered[index] ? 'ok' : 'down']))
  const ok = answered.every(Boolean)
  return c.json({ status: ok ? 'ok' : 'degraded', version: VERSION, parts }, ok ? 200 : 503)
})

async function answersInTime(probe: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), PROBE_LIMIT_MS)
  })
  try {
    const answered = probe.then(
      () => true,
      () => false,
    )
    return await Promise.race([answered, late])
  } finally {
    clearTimeout(timer)
  }
}
