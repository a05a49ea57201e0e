/** Events of other servers over several turns: the calls of the Workers, and the alarm that goes on where one ended. */
import type { ReceiveAnswer, ReceiveRequest } from '../../../../src/objects/room/federation.ts'
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
    if (answer.more) this.#host.arm('staged', this.#host.room.clock.now())
    return answer
  }

  /** From the alarm. Answers when to go on; undefined: the rest waits for events of other servers. */
  async resume(): Promise<number | undefined> {
    const { room, mutate } = this.#host
    if (room.store.isRebuilding || !this.isLeft()) return undefined
    const answer = await mutate((change) => receive(change, { origin: NOBODY, events: [] }))
    return answer.more ? room.clock.now() : undefined
  }

  isLeft(): boolean {
    return this.#host.room.store.exists && isAnyStaged(this.#host.room.store.sql)
  }
}
