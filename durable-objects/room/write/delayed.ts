/** Runs delayed events (MSC4140): from requests, and from the alarm when their time has come. */
import { writeRefusal } from '../../../src/accounts/standing.ts'
import type { DelayedAction, DelayedRequest } from '../../../src/objects/room/send.ts'
import type { MatrixError } from '../../../src/protocol/errors.ts'
import type { RoomHost } from '../host.ts'
import { dueEvents, findDelayed, nextDue } from '../rows/events/delayed-store.ts'
import { act, schedule, sendDue } from './delayed-events.ts'

export class Delayed {
  readonly #host: RoomHost

  constructor(host: RoomHost) {
    this.#host = host
  }

  async schedule(request: DelayedRequest): Promise<string> {
    const { arm, mutate, room } = this.#host
    const scheduled = mutate((change) => schedule(change, request))
    // In the turn of the commit, so that both reach the disk together.
    arm('delayed', nextDue(room.store.sql) ?? room.clock.now())
    return (await scheduled).delayId
  }

  /** @throws MatrixError M_NOT_FOUND, status 409, or what the room said to an event sent now */
  async act(delayId: string, action: DelayedAction, userId?: string): Promise<void> {
    const { mutate, room } = this.#host
    const sender = action === 'send' ? findDelayed(room.store.sql, delayId)?.sender : undefined
    const barred = sender === undefined ? undefined : await this.#barred(sender)
    const refusal = await mutate((change) => act(change, delayId, action, { userId, barred }))
    if (refusal !== undefined) throw refusal
  }

  /** From the alarm: sends what is due. Answers when the next one is. */
  async sendDue(): Promise<number | undefined> {
    const { mutate, room } = this.#host
    const { sql } = room.store
    let unreached: unknown
    for (const { delayId, sender } of dueEvents(sql, room.clock.now())) {
      try {
        const barred = await this.#barred(sender)
        await mutate((change) => sendDue(change, delayId, barred))
      } catch (error) {
        unreached = error
      }
    }
    // The alarm comes again for events whose sender could not be checked.
    if (unreached !== undefined) throw unreached
    return nextDue(sql)
  }

  /** A user that may not send the event now does not get it sent by having scheduled it before. */
  async #barred(userId: string): Promise<MatrixError | undefined> {
    return writeRefusal(await this.#host.objects.user(userId).standing())
  }
}
