/** The Worker: answers HTTP, and exports the objects that the runtime makes. */
import { portsOf } from '../src/context.ts'
import type { Env } from '../src/env.ts'
import { app } from './app.ts'

export { FanOut } from '../durable-objects/fan-out.ts'
export { Room } from '../durable-objects/room/room.ts'
export { User } from '../durable-objects/user/user.ts'

export default {
  fetch(request, env, ctx) {
    // Wrong settings fail here, by the variable's name, before anything is answered.
    portsOf(env)
    return app.fetch(request, env, ctx)
  },
} satisfies ExportedHandler<Env>
