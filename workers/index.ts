/** The Worker: answers HTTP, and exports the objects that the runtime makes. */
import { env as bindings, exports } from 'cloudflare:workers'
import { Destination } from '../durable-objects/destination/destination.ts'
import { FanOut } from '../durable-objects/fan-out.ts'
import { exportedBy } from '../durable-objects/loopback.ts'
import { Partition } from '../durable-objects/partition/partition.ts'
import { Room } from '../durable-objects/room/room.ts'
import { User } from '../durable-objects/user/user.ts'
import { portsOf } from '../src/context.ts'
import type { Env } from '../src/env.ts'
import { countHeldObjects } from '../src/held.ts'
import { limitCalls, withinLimits } from '../src/limiter.ts'
import type { CallCounters } from '../src/ports/system.ts'
import { app } from './app.ts'

export { Destination, FanOut, Partition, Room, User }

exportedBy(exports)

const isTest = (bindings as Env).TEST_HOOKS === 'on'
/** Known with the first request: before it nothing is counted. */
let calls: CallCounters | undefined
if (isTest) {
  for (const objectClass of [Room, User, Partition, Destination])
    limitCalls(objectClass, () => calls?.count('alarms'))
  // Its caller may have used up its own calls of services already, so it may make none.
  limitCalls(FanOut, undefined, 0)
  countHeldObjects((name, ms) => calls?.count(name, ms))
}

export default {
  fetch(request, env, ctx) {
    // Wrong settings fail here, by the variable's name, before anything is answered.
    calls = portsOf(env).calls
    return isTest ? withinLimits(() => app.fetch(request, env, ctx)) : app.fetch(request, env, ctx)
  },
} satisfies ExportedHandler<Env>
