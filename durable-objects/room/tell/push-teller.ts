/** When members with pushers are told: at once after a commit, and from the alarm where that was cut off. */
import { commit } from '../context.ts'
import type { RoomHost } from '../host.ts'
import { hasPushMembers, setPushMember } from '../rows/push-members.ts'
import { tellPushMembers } from './push-news.ts'

export class PushTeller {
  readonly #host: RoomHost
  /** Whether anybody is to be told, as far as this incarnation has looked. */
  #isWatched: boolean | undefined
  #running: Promise<number | undefined> | undefined
  #isSoon = false

  constructor(host: RoomHost) {
    this.#host = host
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

  /** After a commit for which the alarm is armed too: in a turn of its own, so that the answer leaves first. */
  tellSoon(): void {
    this.#isWatched ??= hasPushMembers(this.#host.room)
    if (!this.#isWatched || this.#isSoon) return
    this.#isSoon = true
    setTimeout(() => {
      this.#isSoon = false
      void this.run().then(
        (again) => (again === undefined ? undefined : this.tellSoon()),
        // The alarm tries again.
        () => undefined,
      )
    }, 0)
  }

  /** Tells the next ones, once at a time: two that tell at once would tell the same twice. Answers when to go on. */
  run(): Promise<number | undefined> {
    this.#running ??= tellPushMembers(this.#host).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }
}
