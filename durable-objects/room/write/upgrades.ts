/** Runs upgrades: record, new room, tombstone; from the request, and from the alarm where that was cut off. */
import type { UpgradeRequest } from '../../../src/objects/room/create.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { RoomHost } from '../host.ts'
import {
  beginUpgrade,
  checkUpgrade,
  completeUpgrade,
  currentUpgrade,
  dropUpgrade,
  replacementPlan,
  type Upgrade,
} from './upgrade.ts'

const RETRY_MS = 2_000

export class Upgrades {
  readonly #host: RoomHost
  #running: Promise<void> | undefined

  constructor(host: RoomHost) {
    this.#host = host
  }

  /** @throws MatrixError as `checkUpgrade` */
  check(sender: string, version: string): void {
    checkUpgrade(this.#host.room, { sender, version })
  }

  /** Answers the new room's id once it stands and the old one is closed. */
  async run(request: UpgradeRequest): Promise<string> {
    const { arm, mutate, room } = this.#host
    // A request that is refused leaves no alarm behind.
    checkUpgrade(room, request)
    const begun = mutate((change) => beginUpgrade(change, request))
    // In the turn of the record's commit: whatever happens to this request, the alarm finishes what it began.
    arm('upgrade', room.clock.now() + RETRY_MS)
    const upgrade = await begun
    if (!upgrade.done) await this.#finish(upgrade)
    return upgrade.roomId
  }

  /** Whether an upgrade was cut off. */
  isUnfinished(): boolean {
    return currentUpgrade(this.#host.room)?.done === false
  }

  /** From the alarm. */
  async resume(): Promise<undefined> {
    const upgrade = currentUpgrade(this.#host.room)
    if (upgrade?.done === false) await this.#finish(upgrade)
    return undefined
  }

  /** One run at a time: the request may still be at it when the alarm comes. */
  #finish(upgrade: Upgrade): Promise<void> {
    this.#running ??= this.#replace(upgrade).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Each step may be repeated: an upgrade that was cut off begins anew, and passes over what is there. */
  async #replace(upgrade: Upgrade): Promise<void> {
    const { objects, mutate, room } = this.#host
    const { request } = upgrade
    const next = objects.room(upgrade.roomId)
    try {
      const { plan, rest } = replacementPlan(room, upgrade)
      await next.create(upgrade.createPdu, request.version, plan)
      for (const states of rest) await next.replicate(request.sender, states)
      await mutate((change) => completeUpgrade(change, upgrade))
    } catch (error) {
      const refused = error instanceof MatrixError && error.status < 500
      if (refused) await mutate(dropUpgrade)
      throw error
    }
  }
}
