/** How a Room's subscribers are called. */
import type { Wake } from '../../../src/objects/user/sync.ts'

/** What became of one user's wake; undefined: no answer. */
export type WakeAnswer = { unsubscribe: boolean } | undefined

/** Users, and what became of their wakes. */
export type WakeAnswers = [userId: string, answer: WakeAnswer][]

export interface WakeTransport {
  wake(userId: string, wake: Wake): Promise<WakeAnswer>
  /** As `wake`, for many users at once, through stateless Workers. */
  wakeMany(userIds: string[], wake: Wake): Promise<WakeAnswer[]>
  /** Whether wakes that would leave now are to go with those of other Rooms: the machine is behind. */
  gathers(): boolean
  /** As `wakeMany`, in calls that Rooms share: gives answers as they come, none for those that are taken back. */
  wakeTogether(userIds: string[], wake: Wake): AsyncIterable<WakeAnswers>
  /** Takes back those wakes that have not left yet. Answers for which users. */
  withdraw(): string[]
}
