/** How a Room's subscribers are called. */
import type { Wake } from '../../../src/objects/user/sync.ts'
import type { WakeAnswer, WakeAnswers } from '../../wake-rounds.ts'

/** A wake that goes with those of other Rooms. */
export interface SharedCall {
  /** The answers that have come since the last look: none for users that are taken back. */
  take(): WakeAnswers
  /** Comes when it is time to look, until all have answered. */
  looks(): AsyncIterable<undefined>
}

export interface WakeTransport {
  wake(userId: string, wake: Wake): Promise<WakeAnswer>
  /** As `wake`, for many users at once, through stateless Workers. */
  wakeMany(userIds: string[], wake: Wake): Promise<WakeAnswer[]>
  /** Whether wakes of so many users are to go with those of other Rooms: the machine is behind. */
  gathers(users: number): boolean
  /** As `wakeMany`, in calls that Rooms share. Resolves when users who ask hear of it. */
  wakeTogether(userIds: string[], wake: Wake): Promise<SharedCall>
  /** Takes back those wakes that have not left yet. Answers for which users. */
  withdraw(): string[]
}
