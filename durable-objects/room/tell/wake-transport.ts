/** How wakes leave a Room: straight to the User objects, or through slices of stateless Workers. */
import { checkValue, countService } from '../../../src/limiter.ts'
import type { Wake } from '../../../src/objects/user/sync.ts'
import type { Metrics } from '../../../src/ports/metrics.ts'
import { ownFanOut } from '../../loopback.ts'
import type { Peers } from '../../peers.ts'
import type { WakeAnswer, WakeTransport } from './subscribers.ts'

/** The fan-out entrypoint's one method: see `durable-objects/fan-out.ts`. */
interface FanOutStub {
  wake(userIds: string[], wake: Wake): Promise<WakeAnswer[]>
}

export function fanOut(objects: Peers): WakeTransport {
  return {
    wake: (userId, wake) => objects.user(userId).wake(wake),
    async wakeMany(userIds, wake) {
      countService('fan_out.wake')
      checkValue('fan_out.wake', wake, false)
      return ownFanOut<FanOutStub>().wake(userIds, wake)
    },
  }
}

/** The same, counted by what became of each user's wake. */
export function countedWakes(transport: WakeTransport, metrics: Metrics): WakeTransport {
  const count = (answer: WakeAnswer) => {
    const outcome = answer === undefined ? 'unanswered' : answer.unsubscribe ? 'ended' : 'taken'
    metrics.count('wakes_total', { outcome })
  }
  return {
    async wake(userId, wake) {
      const answer = await transport.wake(userId, wake).catch(() => undefined)
      count(answer)
      return answer
    },
    async wakeMany(userIds, wake) {
      const answers = await transport.wakeMany(userIds, wake).catch(() => [])
      for (const index of userIds.keys()) count(answers[index])
      return answers
    },
  }
}
