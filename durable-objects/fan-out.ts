/** The stateless entrypoint for what is too much for one object: a wake of many users, a sync of many rooms. */
import { WorkerEntrypoint } from 'cloudflare:workers'
import { portsOf } from '../src/context.ts'
import type { Env } from '../src/env.ts'
import type { Invitee } from '../src/objects/room/create.ts'
import type { PublicKeys } from '../src/objects/user/keys.ts'
import type { Wake } from '../src/objects/user/sync.ts'
import type { JsonObject } from '../src/protocol/events/canonical-json.ts'
import {
  type ClaimedKeys,
  type KeyClaimRequest,
  type KeyQuery,
  type Peers,
  peersOf,
  type ServerMark,
} from './peers.ts'
import { type Pulled, type RoomPull, withinCall } from './user/sync/pull-transport.ts'
import type { WakeAnswer } from './wake-rounds.ts'

export class FanOut extends WorkerEntrypoint<Env> {
  /** A slice is not sliced again: a request and all that it sets off may call few Workers. */
  get #objects(): Peers {
    return peersOf(this.env, portsOf(this.env).calls, { isSlice: true })
  }

  /** Answers in the order of `userIds`; undefined for a user whose object did not confirm. */
  async wake(userIds: string[], wake: Wake): Promise<WakeAnswer[]> {
    const objects = this.#objects
    return Promise.all(
      userIds.map((userId) =>
        objects
          .user(userId)
          .wake(wake)
          .catch(() => undefined),
      ),
    )
  }

  /** What an invitation must know of each of `userIds`, in their order. */
  async invitees(userIds: string[], inviter: string): Promise<Invitee[]> {
    const objects = this.#objects
    return Promise.all(userIds.map((userId) => objects.invitees([userId], inviter).then(([one]) => one!)))
  }

  /** Those of `userIds` that are in none of the rooms. */
  async strangers(userIds: string[], roomIds: string[]): Promise<string[]> {
    return this.#objects.strangers(userIds, roomIds)
  }

  /** Answers in the order of `userIds`; undefined for a user whose object could not be reached. */
  async profiles(userIds: string[], fields: string[] | undefined): Promise<(JsonObject | undefined)[]> {
    return this.#objects.profiles(userIds, fields)
  }

  /** Answers in the order of `queries`; undefined for a user whose object could not be reached. */
  async publicKeys(queries: KeyQuery[]): Promise<(PublicKeys | undefined)[]> {
    return this.#objects.publicKeys(queries)
  }

  /** As `publicKeys`: one-time keys. */
  async claimKeys(requests: KeyClaimRequest[]): Promise<(ClaimedKeys | undefined)[]> {
    return this.#objects.claimKeys(requests)
  }

  /** Tells Destinations that rooms have something for their servers. @throws unless all have taken their mark */
  async mark(marks: ServerMark[]): Promise<void> {
    await this.#objects.markMany(marks)
  }

  /** Answers in the order of `pulls`, as `PullRooms` says. */
  async pull(pulls: RoomPull[]): Promise<Pulled[]> {
    const objects = this.#objects
    const slices = await Promise.all(
      pulls.map(({ roomId, request }) =>
        objects
          .room(roomId)
          .pull(request)
          .catch(() => undefined),
      ),
    )
    return withinCall(slices)
  }
}
