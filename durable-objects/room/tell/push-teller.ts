/** When members with pushers are told: at once after a commit, and from the alarm where that was cut off. */
import { Courier } from '../../consumer.ts'
import { commit } from '../context.ts'
import type { RoomHost } from '../host.ts'
import { hasPushMembers, isAnyoneBehind, type PushMember, setPushMember } from '../rows/tell/push-members.ts'
import { pushNews } from './push-news.ts'

export class PushTeller {
  readonly #host: RoomHost
  readonly #courier: Courier<PushMember>
  /** Whether anybody is to be told, as far as this incarnation has looked. */
  #isWatched: boolean | undefined
  #isSoon = false

  constructor(host: RoomHost) {
    this.#host = host
    this.#courier = new Courier(pushNews(host), () => host.room.clock.now())
  }

  /** See `setPushMember`. */
  set(userId: string, wanted: boolean): boolean {
    this.reset()
    return commit(this.#host.room, (change) => setPushMember(change, userId, wanted)).value
  }

  /** The tables were made anew. */
  reset(): void {
    this.#isWatched = undefined
  }

  /** After a commit for which the alarm is armed too. It takes a turn of its own, so that the answer leaves first. */
  tellSoon(): void {
    this.#isWatched ??= hasPushMembers(this.#host.room)
    if (!this.#isWatched || this.#isSoon) return
    this.#isSoon = true
    setTimeout(() => {
      this.#isSoon = false
      void this.#courier.flush().then(
        (isMoreLeft) => (isMoreLeft ? this.tellSoon() : undefined),
        // The alarm tries again.
        () => undefined,
      )
    }, 0)
  }

  /** From the alarm: tells the next ones. Answers when to go on. */
  run(): Promise<number | undefined> {
    return this.#courier.run()
  }

  isLeft(): boolean {
    return isAnyoneBehind(this.#host.room)
  }
}
