/** Routes that exist in tests alone: planned faults, and the counters that the budgets are asserted from. */
import { Hono } from 'hono'
import * as z from 'zod'
import { faultsNow, holdsAnswers, release, setFault } from '../../src/faults.ts'
import { pendingTimers } from '../../src/held.ts'
import { isQuiet, isSettled, passedLimits, statementsOf, takeInMemory } from '../../src/limiter.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { TOPICS } from '../../src/protocol/event-stream.ts'
import type { AppEnv } from '../app-env.ts'
import { endpoint } from '../middleware/endpoint.ts'
import { countWaits } from '../middleware/waits.ts'

/** With this header a request's Worker is cut off after an RPC, as if the client had gone. */
export const DROP_HEADER = 'x-selvedge-test'

/** The RPC that the header's value names: `drop-after-first-rpc`, or `drop-after-rpc room.send`. */
export function dropAfterRpc(value: string | undefined): string | undefined {
  if (value === 'drop-after-first-rpc') return 'first'
  return /^drop-after-rpc (\w+\.\w+)$/.exec(value ?? '')?.[1]
}

const Fault = z.object({ name: z.string().min(1), count: z.int().min(0), key: z.string().optional() })

export const testHooks = new Hono<AppEnv>()

/** Elsewhere the paths below answer as any unknown one. */
testHooks.use(async (c, next) => {
  if (!c.var.ports.config.testHooks) throw new MatrixError('M_UNRECOGNIZED', 'Unknown path')
  await next()
})

testHooks.post('/faults', endpoint({ auth: 'none', limit: 'free', json: Fault }), (c) => {
  const { name, count, key } = c.req.valid('json')
  const place = key === undefined ? name : `${name}:${key}`
  setFault(place, count)
  if (count === 0) release(place)
  return c.json({})
})

testHooks.get('/faults', endpoint({ auth: 'none', limit: 'free' }), (c) => c.json(faultsNow()))

testHooks.get('/calls', endpoint({ auth: 'none', limit: 'free' }), (c) =>
  c.json(c.var.ports.calls.snapshot()),
)

testHooks.get('/statements', endpoint({ auth: 'none', limit: 'free' }), (c) =>
  c.json({ ROOM: statementsOf('room'), USER: statementsOf('user'), PARTITION: statementsOf('partition') }),
)

/** What a room would tell a partition of the event stream: for the measurement of the partition alone. */
const Appended = z.object({
  partition: z.int().min(0),
  source: z.string(),
  upTo: z.int(),
  records: z.array(z.object({ pos: z.int(), topic: z.enum(TOPICS), body: z.string() })),
})

testHooks.post('/append', endpoint({ auth: 'none', limit: 'free', json: Appended }), async (c) => {
  const { partition, ...delivery } = c.req.valid('json')
  const isRead = await c.var.objects.partition(partition).append([{ ...delivery, strips: [] }])
  return c.json({ is_read: isRead })
})

testHooks.get('/passed-limits', endpoint({ auth: 'none', limit: 'free' }), (c) => c.json(passedLimits()))

testHooks.get('/timers', endpoint({ auth: 'none', limit: 'free' }), (c) =>
  c.json({ pending: pendingTimers() }),
)

/** As `/metrics` says too, which asks the stores as well. */
testHooks.get('/waits', endpoint({ auth: 'none', limit: 'free' }), (c) => c.json({ waiting: countWaits() }))

/** Alarms further off than `within` ms are not waited for. */
const Settled = z.object({ within: z.coerce.number().int().min(0) })

testHooks.get('/settled', endpoint({ auth: 'none', limit: 'free', query: Settled }), (c) =>
  c.json({ settled: isSettled(c.var.ports.clock.now() + c.req.valid('query').within) }),
)

/** How long a moment is waited for in which no object does anything, ms, and how often it is looked for. */
const QUIET_PATIENCE_MS = 300
const QUIET_LOOK_MS = 2

/**
 * The names of the objects in memory, by whether something runs in them: the test that asks evicts the idle ones.
 * No names while a test holds an answer: its caller cannot be evicted, and the attempt takes 15 s.
 */
testHooks.post('/in-memory', endpoint({ auth: 'none', limit: 'free' }), async (c) => {
  if (holdsAnswers()) return c.json({ idle: [], busy: [] })
  const { now } = c.var.ports.clock
  for (let waited = 0; waited < QUIET_PATIENCE_MS && !isQuiet(now()); waited += QUIET_LOOK_MS) {
    await new Promise((resolve) => setTimeout(resolve, QUIET_LOOK_MS))
  }
  return c.json(takeInMemory(now()))
})
