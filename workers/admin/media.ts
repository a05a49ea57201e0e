/** `/_selvedge/admin/media`: moves media to another store, step by step. */
import { Hono } from 'hono'
import * as z from 'zod'
import { MEDIA_STORES } from '../../src/ports/bucket.ts'
import type { AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'

const Move = z.object({
  to: z.enum(MEDIA_STORES),
  after: z.string().min(1).max(2_000).optional(),
  delete_source: z.boolean().default(false),
})

/** Below `/_selvedge/admin`. */
export const media = new Hono<AppEnv>()

media.post('/media/move', endpoint({ auth: 'operator', limit: 'free', json: Move }), async (c) => {
  const { to, after, delete_source: deleteSource } = c.req.valid('json')
  const step = c.var.ports.mediaMover.step({ to, after, deleteSource })
  // A step that was begun is ended, also where the command is stopped.
  c.executionCtx.waitUntil(step.catch(() => undefined))
  return c.json(await step)
})
