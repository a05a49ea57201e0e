/** How objects are named and called, and what they ask of each other. Nothing else names or calls an object. */
import type { Env } from '../src/env.ts'
import { countService } from '../src/limiter.ts'
import type { DestinationMark, DestinationPeer } from '../src/objects/destination/peer.ts'
import type { PartitionPeer } from '../src/objects/partition/peer.ts'
import type { Invitee } from '../src/objects/room/create.ts'
import type { RoomPeer } from '../src/objects/room/peer.ts'
import type { KeyClaims, PublicKeys } from '../src/objects/user/keys.ts'
import type { UserPeer } from '../src/objects/user/peer.ts'
import { patiently } from '../src/patience.ts'
import type { CallCounters } from '../src/ports/system.ts'
import type { JsonObject } from '../src/protocol/events/canonical-json.ts'
import { type Call, gateway, type StubOptions } from './call-object.ts'
import { inSlices, SLICES_OF_A_SYNC } from './in-slices.ts'
import { ownFanOut } from './loopback.ts'

export { ClientGone, type StubOptions } from './call-object.ts'

/** The objects as other objects call them. */
export interface Peers extends Crowds {
  room(roomId: string): RoomPeer
  user(userId: string): UserPeer
  /** What the users have in their profiles, or in these fields, in their order; undefined for one that was not reached. */
  profiles(userIds: readonly string[], fields: string[] | undefined): Promise<(JsonObject | undefined)[]>
  /** A partition of the event stream: only where that is on. */
  partition(number: number): PartitionPeer
  /** What another server must get: only for one that a room has something for. */
  destination(serverName: string): DestinationPeer
  /** Tells many Destinations, through a stateless Worker. @throws unless all have taken their mark */
  markMany(marks: readonly ServerMark[]): Promise<void>
}

export interface ServerMark {
  serverName: string
  mark: DestinationMark
}

/** What is asked of many users at once. */
export interface Crowds {
  /** What invitations must know of their targets, in their order; many are asked through stateless Workers. */
  invitees(userIds: readonly string[], inviter: string): Promise<Invitee[]>
  /** Those of these users that are in none of the rooms. A user that cannot be asked is left out. */
  strangers(userIds: readonly string[], roomIds: string[]): Promise<string[]>
  /** What everybody may see of the users' keys: of the devices that are named, or of all devices. In the users' order. */
  publicKeys(queries: readonly KeyQuery[]): Promise<(PublicKeys | undefined)[]>
  /** Whether the Worker reaches itself by its own binding, and from there this user's object. */
  isReachedByFanOut(userId: string): Promise<boolean>
  /** One-time keys of the users' devices, in their order; undefined for a user that could not be asked. */
  claimKeys(requests: readonly KeyClaimRequest[]): Promise<(ClaimedKeys | undefined)[]>
}

/** The owner of the wanted keys, and the devices; no devices: all of them. */
export interface KeyQuery {
  userId: string
  deviceIds: string[]
}

export interface KeyClaimRequest {
  userId: string
  claims: KeyClaims
}

export type ClaimedKeys = Awaited<ReturnType<UserPeer['claimKeys']>>

/** A User object that hangs holds up nobody's sync for longer, ms. */
const PROFILE_PATIENCE_MS = 2_000

export function roomName(serverName: string, roomId: string): string {
  return `${serverName}/room/${roomId}`
}

export function userName(serverName: string, userId: string): string {
  return `${serverName}/user/${userId}`
}

export function partitionName(serverName: string, number: number): string {
  return `${serverName}/partition/${number}`
}

export function destinationName(serverName: string, name: string): string {
  return `${serverName}/destination/${name}`
}

/** The id behind an object's name. */
export function idOfName(name: string): string {
  return name.slice(name.indexOf('/', name.indexOf('/') + 1) + 1)
}

/** What one Worker invocation, or one object, calls others by. */
export function peersOf(env: Env, counters: CallCounters, options: StubOptions = {}): Peers {
  const serverName = env.SERVER_NAME
  const user = (userId: string) =>
    gateway<UserPeer>(env, { kind: 'user', name: userName(serverName, userId) }, counters, options)
  const destination = (name: string) =>
    gateway<DestinationPeer>(
      env,
      { kind: 'destination', name: destinationName(serverName, name) },
      counters,
      options,
    )
  const fanOut = <A>(method: string, ...args: unknown[]): Promise<A[]> => {
    countService(`fan_out.${method}`)
    return ownFanOut<Record<string, Call>>()[method]!(...args) as Promise<A[]>
  }
  return {
    room: (roomId) =>
      gateway<RoomPeer>(env, { kind: 'room', name: roomName(serverName, roomId) }, counters, options),
    user,
    partition: (number) =>
      gateway<PartitionPeer>(
        env,
        { kind: 'partition', name: partitionName(serverName, number) },
        counters,
        options,
      ),
    destination,
    async markMany(marks) {
      if (options.isSlice) await Promise.all(marks.map((one) => destination(one.serverName).mark(one.mark)))
      else await fanOut('mark', marks)
    },
    invitees: (userIds, inviter) =>
      inSlices(
        userIds,
        {
          here: (some) => Promise.all(some.map((userId) => inviteeOf(user(userId), inviter))),
          there: (slice) => fanOut('invitees', slice, inviter),
        },
        options,
      ),
    async strangers(userIds, roomIds) {
      const isStranger = (userId: string) =>
        user(userId)
          .isInAny(roomIds)
          .then(
            (is) => !is,
            () => false,
          )
      const answers = await inSlices(
        userIds,
        {
          most: SLICES_OF_A_SYNC,
          here: (some) => Promise.all(some.map(isStranger)),
          there: async (slice) => {
            const found = new Set(await fanOut<string>('strangers', slice, roomIds))
            return slice.map((userId) => found.has(userId))
          },
        },
        options,
      )
      return userIds.filter((_, index) => answers[index])
    },
    profiles: (userIds, fields) =>
      inSlices<string, JsonObject | undefined>(
        userIds,
        {
          most: SLICES_OF_A_SYNC,
          here: (some) => Promise.all(some.map((userId) => profileOf(user(userId), fields))),
          there: (slice) => fanOut('profiles', slice, fields),
        },
        options,
      ).catch(() => userIds.map(() => undefined)),
    publicKeys: (queries) =>
      inSlices(
        queries,
        {
          here: (some) =>
            Promise.all(
              some.map(({ userId, deviceIds }) =>
                user(userId)
                  .publicKeys(deviceIds)
                  .catch(() => undefined),
              ),
            ),
          there: (slice) => fanOut('publicKeys', slice),
        },
        options,
      ),
    async isReachedByFanOut(userId) {
      const [keys] = await fanOut<PublicKeys | undefined>('publicKeys', [{ userId, deviceIds: [] }])
      return keys !== undefined
    },
    claimKeys: (requests) =>
      inSlices(
        requests,
        {
          here: (some) =>
            Promise.all(
              some.map(({ userId, claims }) =>
                user(userId)
                  .claimKeys(claims)
                  .catch(() => undefined),
              ),
            ),
          there: (slice) => fanOut('claimKeys', slice),
        },
        options,
      ),
  }
}

function profileOf(user: UserPeer, fields: string[] | undefined): Promise<JsonObject | undefined> {
  return patiently(
    PROFILE_PATIENCE_MS,
    user.profileFields(fields).catch(() => undefined),
  )
}

async function inviteeOf(user: UserPeer, inviter: string): Promise<Invitee> {
  const [permission, profile] = await Promise.all([user.invitePermission(inviter), user.profile()])
  return { takesInvites: permission !== 'block', profile }
}
