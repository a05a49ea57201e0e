/** How wakes leave a Room: straight to the User objects, or through slices of stateless Workers. */
import type { Env } from '../../../src/env.ts'
import { takeFault } from '../../../src/faults.ts'
import { checkValue, countCall } from '../../../src/limiter.ts'
import type { Wake } from '../../../src/objects/user/sync.ts'
import type { Peers } from '../../peers.ts'
import type { WakeAnswer, WakeTransport } from './subscribers.ts'

/** The fan-out entrypoint's one method: see `durable-objects/fan-out.ts`. */
interface FanOutStub {
  wake(userIds: string[], wake: Wake): Promise<WakeAnswer[]>
}

/** Tests: how late the second copy of a wake comes; later ones have overtaken it by then. */
const LATE_MS = 200

export function fanOut(env: Env, objects: Peers): WakeTransport {
  return {
    async wake(userId, wake) {
      if (takeFault('wake:twice')) setTimeout(() => void objects.user(userId).wake(wake), LATE_MS)
      const answer = await objects.user(userId).wake(wake)
      if (takeFault('wake:answer-lost')) throw new Error('A test lost the answer to a wake')
      return answer
    },
    async wakeMany(userIds, wake) {
      countCall('fan_out.wake')
      checkValue('fan_out.wake', wake, false)
      return (env.FANOUT as unknown as FanOutStub).wake(userIds, wake)
    },
  }
}
