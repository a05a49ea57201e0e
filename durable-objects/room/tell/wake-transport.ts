/** How wakes leave a Room: straight to the User objects, or through slices of stateless Workers. */
import { checkValue, countService } from '../../../src/limiter.ts'
import type { Wake } from '../../../src/objects/user/sync.ts'
import type { Metrics } from '../../../src/ports/metrics.ts'
import type { Clock } from '../../../src/ports/system.ts'
import { ownFanOut } from '../../loopback.ts'
import type { Peers } from '../../peers.ts'
import { Parcel, type WakeAnswer, wakeRounds } from '../../wake-rounds.ts'
import type { WakeTransport } from './wake-calls.ts'
import { LARGEST_SLICE } from './wake-slices.ts'

/** The fan-out entrypoint's one method: see `durable-objects/fan-out.ts`. */
interface FanOutStub {
  wake(userIds: string[], wake: Wake): Promise<WakeAnswer[]>
}

/** Up to this many users are always woken at once: putting their wakes together would cost as much. */
const CONVERSATION = 2
/**
 * How often a Room looks whether its wakes are answered, ms, and how often in a pause where that is seldomer: a user is
 * called once in it.
 */
const LOOK_MS = 40
const LOOKS = 4
/** The Room that was to make the calls is gone, and some of them with it, ms. */
const LOST_MS = 10_000

/**
 * How one Room wakes users.
 * @param storage the Room's own
 */
export function fanOut(
  objects: Peers,
  storage: Pick<DurableObjectStorage, 'sync'>,
  clock: Clock,
): WakeTransport {
  const now = () => clock.now()
  const parcels = new Set<Parcel>()
  const caller = {
    now,
    wakeTogether: (userId: string, wakes: Wake[]) => objects.user(userId).wakeTogether(wakes),
  }
  /** A promise that another object keeps does not reach this one: it looks by itself. */
  async function* looksAt(parcel: Parcel): AsyncGenerator<undefined> {
    const lostAt = now() + LOST_MS
    while (!parcel.isOver && now() < lostAt) {
      await pause(Math.max(LOOK_MS, wakeRounds.pause(now()) / LOOKS))
      wakeRounds.goOn(caller)
      yield
    }
    wakeRounds.withdraw(parcel)
    parcels.delete(parcel)
  }
  return {
    wake: (userId, wake) => objects.user(userId).wake(wake),
    async wakeMany(userIds, wake) {
      countService('fan_out.wake')
      checkValue('fan_out.wake', wake, false)
      return ownFanOut<FanOutStub>().wake(userIds, wake)
    },
    gathers: (users) => users > CONVERSATION && users <= LARGEST_SLICE && wakeRounds.gathers(now()),
    withdraw: () => [...parcels].flatMap((parcel) => wakeRounds.withdraw(parcel)),
    async wakeTogether(userIds, wake) {
      // The platform holds back only what this Room itself sends until its writes are on the disk.
      await storage.sync()
      const parcel = new Parcel(userIds, wake)
      parcels.add(parcel)
      wakeRounds.join(parcel, caller)
      return { take: () => parcel.take(), looks: () => looksAt(parcel) }
    },
  }
}

/** The same, counted by what became of each user's wake. */
export function countedWakes(transport: WakeTransport, metrics: Metrics): WakeTransport {
  const count = (answer: WakeAnswer) => {
    const outcome = answer === undefined ? 'unanswered' : answer.unsubscribe ? 'ended' : 'taken'
    metrics.count('wakes_total', { outcome })
  }
  const countAll = (userIds: readonly string[], answers: readonly WakeAnswer[]) => {
    for (const index of userIds.keys()) count(answers[index])
    return [...answers]
  }
  return {
    ...transport,
    async wake(userId, wake) {
      const answer = await transport.wake(userId, wake).catch(() => undefined)
      count(answer)
      return answer
    },
    wakeMany: async (userIds, wake) =>
      countAll(userIds, await transport.wakeMany(userIds, wake).catch(() => [])),
    async wakeTogether(userIds, wake) {
      const call = await transport.wakeTogether(userIds, wake)
      const take = () => {
        const answers = call.take()
        for (const [, answer] of answers) count(answer)
        return answers
      }
      return { ...call, take }
    },
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
