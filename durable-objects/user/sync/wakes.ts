/** What a wake of a Room says, and those that have not been told yet. */
import type { Increment } from '../../../src/objects/room/sync.ts'
import type { News, Wake } from '../../../src/objects/user/sync.ts'
import type { Clock } from '../../../src/ports/system.ts'
import { type WakeAnswer, wakeRounds } from '../../wake-rounds.ts'

/** A wake, its increment read. */
export function newsOf({ increment, ...wake }: Wake): News {
  return increment === undefined ? wake : { ...wake, increment: JSON.parse(increment) as Increment }
}

/** Something the user did: sent, read or began to type. */
export function showsActivity({ increment }: News, userId: string): boolean {
  if (increment === undefined) return false
  const { events, receipts = [], typing = [] } = increment
  return (
    events.some(({ event }) => event.sender === userId) ||
    receipts.some((receipt) => receipt.userId === userId) ||
    typing.includes(userId)
  )
}

export interface WaitingWakesParts {
  ctx: Pick<DurableObjectState, 'storage'>
  userId: string
  clock: Clock
}

/**
 * Answers what tells `wake` all that Rooms of this isolate have for the user in their next round (decision 41). A user's
 * object that is asked before it hears of them without a call, so that what was sent before the question is in its answer.
 * The Rooms are answered once it is on the disk.
 */
export function waitingWakes(
  { ctx, userId, clock }: WaitingWakesParts,
  wake: (wake: Wake) => WakeAnswer,
): () => void {
  return () => {
    const parcels = wakeRounds.takeFor(userId, clock.now())
    if (parcels.length === 0) return
    const answers = parcels.map((parcel) => wake(parcel.wake))
    void ctx.storage.sync().then(() => {
      for (const [i, parcel] of parcels.entries()) parcel.answered(userId, answers[i])
    })
  }
}
