/** The stateless entrypoint that carries one wake to a slice of a large room's subscribers. */
import { WorkerEntrypoint } from 'cloudflare:workers'
import { portsOf } from '../src/context.ts'
import type { Env } from '../src/env.ts'
import type { Wake } from '../src/ports.ts'
import type { WakeAnswer } from './room/subscribers.ts'
import { objectsOf } from './stubs.ts'

export class FanOut extends WorkerEntrypoint<Env> {
  /** Answers in the order of `userIds`; undefined for a user whose object did not confirm. */
  async wake(userIds: string[], wake: Wake): Promise<WakeAnswer[]> {
    const objects = objectsOf(this.env, portsOf(this.env).calls)
    return Promise.all(
      userIds.map((userId) =>
        objects
          .user(userId)
          .wake(wake)
          .catch(() => undefined),
      ),
    )
  }
}
