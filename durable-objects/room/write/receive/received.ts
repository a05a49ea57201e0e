/** Events of other servers over several turns: the calls of the Workers, and the alarm that goes on where one ended. */
import type { ReceiveAnswer, ReceiveRequest } from '../../../../src/objects/room/federation.ts'
import { MAX_PREV_EVENTS } from '../../../../src/protocol/events/extremities.ts'
import type { RoomHost } from '../../host.ts'
import { isAnyStaged } from '../../rows/federation/staged.ts'
import { receive } from './receive.ts'

/** Nobody, where the alarm goes on by itself: nothing new comes in its name. */
const NOBODY = ''

export class Received {
  readonly #host: RoomHost

  constructor(host: RoomHost) {
    this.#host = host
  }

  async take(request: ReceiveRequest): Promise<ReceiveAnswer> {
    const answer = await this.#host.mutate((change) => receive(change, request))
    const next = this.#nextAfter(answer)
    if (next !== undefined) this.#host.arm('staged', next)
    return answer
  }

  /** From the alarm. Answers when to go on; undefined: the rest waits for events of other servers. */
  async resume(): Promise<number | undefined> {
    const { room, mutate } = this.#host
    if (room.store.isRebuilding || !this.isLeft()) return undefined
    const answer = await mutate((change) => receive(change, { origin: NOBODY, events: [] }))
    return this.#nextAfter(answer)
  }

  #nextAfter({ more, restsUntil }: ReceiveAnswer): number | undefined {
    return more ? this.#host.room.clock.now() : restsUntil
  }

  isLeft(): boolean {
    const { store } = this.#host.room
    return store.exists && (isAnyStaged(store.sql) || store.extremities.length > MAX_PREV_EVENTS)
  }
}
