/** Runs delayed events (MSC4140): from requests, and from the alarm when their time has come. */
import type { DelayedAction, DelayedRequest } from '../../src/ports.ts'
import { act, schedule, sendDue } from './delayed-events.ts'
import { dueEvent, nextDue } from './delayed-store.ts'
import type { RoomHost } from './host.ts'

export class Delayed {
  readonly #host: RoomHost

  constructor(host: RoomHost) {
    this.#host = host
  }

  async schedule(request: DelayedRequest): Promise<string> {
    const { arm, mutate, room } = this.#host
    const scheduled = mutate(() => schedule(room, request))
    // In the turn of the commit, so that both reach the disk together.
    arm(nextDue(room.store.sql) ?? room.clock.now())
    return (await scheduled).delayId
  }

  /** @throws MatrixError M_NOT_FOUND, status 409, or what the room said to an event sent now */
  async act(delayId: string, action: DelayedAction, userId?: string): Promise<void> {
    const refusal = await this.#host.mutate(() => act(this.#host.room, delayId, action, userId))
    if (refusal !== undefined) throw refusal
  }

  /** From the alarm: sends what is due. Answers when the next one is. */
  async sendDue(): Promise<number | undefined> {
    const { mutate, room } = this.#host
    const { sql } = room.store
    const next = () => dueEvent(sql, room.clock.now())
    for (let due = next(); due !== undefined; due = next()) {
      const delayId = due
      await mutate(() => sendDue(room, delayId))
    }
    return nextDue(sql)
  }
}
