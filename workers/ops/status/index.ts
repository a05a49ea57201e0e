/** `/_selvedge/status`: how the server is doing, for people without Grafana; a page for each store, and a stopwatch. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { Gauge } from '../../../src/ports/metrics.ts'
import type { AppContext, AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { overview } from '../../pages/status/overview.ts'
import { answerPage, type Status } from '../../pages/status/page.ts'
import { mediaPage, postgresPage, redisPage } from '../../pages/status/stores.ts'
import { countedBy } from '../counted.ts'
import { gaugesOf } from '../gauges.ts'
import { History } from './points.ts'
import { sampleOf } from './sample.ts'
import { timeServices } from './services.ts'

/** Of this isolate: it fills as pages look. */
const history = new History()

/** With `fresh` only what changes: the page asks for it again and again. */
const Query = z.object({ fresh: z.string().optional() })

const row = { auth: 'metrics', limit: 'free', query: Query } as const

/** Below `/_selvedge`. */
export const status = new Hono<AppEnv>()

/** A browser asks its user for the token, as a password. */
status.use('/status/*', async (c, next) => {
  await next()
  if (c.res.status === 401)
    c.res.headers.set('WWW-Authenticate', 'Basic realm="Selvedge status", charset="UTF-8"')
})

status.get('/status', endpoint(row), async (c) => {
  const known = await lookAt(c)
  return answerPage(c, overview(known), c.req.valid('query'))
})

status.get('/status/redis', endpoint(row), async (c) => {
  const known = await lookAt(c)
  const { storeFacts, slowCalls } = c.var.ports
  const [facts, kinds] = await Promise.all([orNothing(storeFacts.redis()), orNothing(storeFacts.keyKinds())])
  return answerPage(
    c,
    redisPage(known, { facts, kinds, slow: slowCalls.slowest('redis') }),
    c.req.valid('query'),
  )
})

status.get('/status/postgres', endpoint(row), async (c) => {
  const known = await lookAt(c)
  const { storeFacts, slowCalls } = c.var.ports
  const [facts, tables] = await Promise.all([
    orNothing(storeFacts.postgres()),
    orNothing(storeFacts.tables()),
  ])
  const given = { facts, tables, slow: slowCalls.slowest('postgres') }
  return answerPage(c, postgresPage(known, given), c.req.valid('query'))
})

status.get('/status/media', endpoint(row), async (c) => {
  const known = await lookAt(c)
  const media = await orNothing(c.var.ports.storeFacts.media())
  return answerPage(c, mediaPage(known, media), c.req.valid('query'))
})

status.post('/status/services', endpoint({ auth: 'metrics', limit: 'free', json: z.object({}) }), async (c) =>
  c.json(await timeServices(c)),
)

/** What all pages show, with the moment added to the charts. */
async function lookAt(c: AppContext): Promise<Status> {
  const [series, gauges] = await Promise.all([countedBy(c), gaugesOf(c)])
  return noted(c, series, gauges)
}

/** Adds a moment to the charts. */
function noted(
  c: AppContext,
  series: Awaited<ReturnType<typeof countedBy>>,
  gauges: readonly Gauge[],
): Status {
  const { clock, config } = c.var.ports
  const sample = sampleOf(clock.now(), series, gauges)
  history.look(sample)
  return { serverName: config.serverName, sample, gauges, points: history.points }
}

/** A store that is away has a page too. */
function orNothing<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch(() => undefined)
}
