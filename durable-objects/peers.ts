/** How objects are named and called, and what they ask of each other. Nothing else names or calls an object. */
import type { Env } from '../src/env.ts'
import { asUnderWay, checkValue, countCall, countService } from '../src/limiter.ts'
import type { PartitionPeer } from '../src/objects/partition/peer.ts'
import type { Invitee } from '../src/objects/room/create.ts'
import type { RoomPeer } from '../src/objects/room/peer.ts'
import type { KeyClaims, PublicKeys } from '../src/objects/user/keys.ts'
import type { UserPeer } from '../src/objects/user/peer.ts'
import { patiently } from '../src/patience.ts'
import type { CallCounters } from '../src/ports/system.ts'
import { MatrixError } from '../src/protocol/errors.ts'
import type { JsonObject } from '../src/protocol/events/canonical-json.ts'
import { asSpan } from '../src/tracing/trace.ts'
import { inSlices, SLICES_OF_A_SYNC } from './in-slices.ts'
import { overloadIfPlanned, resetIfPlanned, throughFaults } from './network-faults.ts'
import { fromResult, type RpcResult } from './rpc.ts'
import { isLarge, mayRepeat, type ObjectKind } from './rpc-table.ts'

/** The objects as other objects call them. */
export interface Peers extends Crowds {
  room(roomId: string): RoomPeer
  user(userId: string): UserPeer
  /** What the users have in their profiles, or in these fields, in their order; undefined for one that was not reached. */
  profiles(userIds: readonly string[], fields: string[] | undefined): Promise<(JsonObject | undefined)[]>
  /** A partition of the event stream: only where that is on. */
  partition(number: number): PartitionPeer
}

/** What is asked of many users at once. */
export interface Crowds {
  /** What invitations must know of their targets, in their order; many are asked through stateless Workers. */
  invitees(userIds: readonly string[], inviter: string): Promise<Invitee[]>
  /** Those of these users that are in none of the rooms. A user that cannot be asked is left out. */
  strangers(userIds: readonly string[], roomIds: string[]): Promise<string[]>
  /** What everybody may see of the users' keys: of the devices that are named, or of all devices. In the users' order. */
  publicKeys(queries: readonly KeyQuery[]): Promise<(PublicKeys | undefined)[]>
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

/** A test cut this request's Worker off, as a client that goes away does in production. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone'
}

export interface StubOptions {
  /** Tests: the Worker is cancelled when this RPC, such as `room.send`, or its first one has been answered. */
  dropAfterRpc?: 'first' | (string & {})
  /** The caller is a slice of a fan-out already: it asks everybody itself. */
  isSlice?: boolean
}

/** A User object that hangs holds up nobody's sync for longer, ms. */
const PROFILE_PATIENCE_MS = 2_000

/** What answers with a WebSocket goes by `fetch`: an RPC cannot carry one. */
const OVER_FETCH: ReadonlySet<string> = new Set(['sync', 'slide', 'stream', 'wait', 'consume'])

export function roomName(serverName: string, roomId: string): string {
  return `${serverName}/room/${roomId}`
}

export function userName(serverName: string, userId: string): string {
  return `${serverName}/user/${userId}`
}

export function partitionName(serverName: string, number: number): string {
  return `${serverName}/partition/${number}`
}

/** The id behind an object's name. */
export function idOfName(name: string): string {
  return name.slice(name.indexOf('/', name.indexOf('/') + 1) + 1)
}

/** What one Worker invocation, or one object, calls others by. */
export function peersOf(env: Env, counters: CallCounters, options: StubOptions = {}): Peers {
  const serverName = env.SERVER_NAME
  const user = (userId: string) =>
    gateway<UserPeer>('user', env.USER, userName(serverName, userId), counters, options)
  const fanOut = <A>(method: string, ...args: unknown[]): Promise<A[]> => {
    countService(`fan_out.${method}`)
    return (env.FANOUT as unknown as Record<string, Call>)[method]!(...args) as Promise<A[]>
  }
  return {
    room: (roomId) => gateway<RoomPeer>('room', env.ROOM, roomName(serverName, roomId), counters, options),
    user,
    partition: (number) =>
      gateway<PartitionPeer>(
        'partition',
        env.PARTITION,
        partitionName(serverName, number),
        counters,
        options,
      ),
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

type Call = (...args: unknown[]) => Promise<unknown>

function gateway<Gateway>(
  kind: ObjectKind,
  namespace: DurableObjectNamespace,
  name: string,
  counters: CallCounters,
  options: StubOptions,
): Gateway {
  const connect = (): Record<string, Call> =>
    namespace.get(namespace.idFromName(name)) as unknown as Record<string, Call>
  const timed = <T>(method: string, work: () => Promise<T>): Promise<T> =>
    asSpan(`${kind}.${method}`, { 'rpc.service': kind, 'rpc.method': method }, work)
  const call = async (method: string, args: unknown[]): Promise<unknown> => {
    const operation = `${kind}.${method}`
    counters.count(operation)
    countCall(operation)
    checkValue(operation, args, isLarge(operation))
    const ask = async () => {
      overloadIfPlanned(operation)
      const value = await connect()[method]!(...args)
      resetIfPlanned(operation)
      return value
    }
    const answer = await throughFaults(operation, () =>
      asUnderWay(() => onceMore(ask, () => mayRepeat(kind, method, args))),
    )
    checkValue(operation, answer, isLarge(operation))
    dropIfAsked(options, operation)
    return fromResult(answer as RpcResult<unknown>)
  }
  const viaFetch = async (method: string, request: unknown): Promise<Response> => {
    const operation = `${kind}.${method}`
    counters.count(operation)
    countCall(operation)
    const url = `https://object/${method}?request=${encodeURIComponent(JSON.stringify(request))}`
    const ask = async () => {
      overloadIfPlanned(operation)
      return namespace.get(namespace.idFromName(name)).fetch(url, { headers: { Upgrade: 'websocket' } })
    }
    const response = await onceMore(ask, () => true)
    dropIfAsked(options, operation)
    return response
  }
  return new Proxy({} as object, {
    get: (_, method) => {
      // With a `then`, `await` would take the gateway for a promise.
      if (typeof method !== 'string' || method === 'then') return undefined
      if (OVER_FETCH.has(method)) return (request: unknown) => timed(method, () => viaFetch(method, request))
      return (...args: unknown[]) => timed(method, () => call(method, args))
    },
  }) as Gateway
}

/** Runs `work`. Runs it again if its object was reset in the middle and a second run changes nothing more. */
async function onceMore<T>(work: () => Promise<T>, mayRepeat: () => boolean): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isOverloaded(error) || !isReset(error) || !mayRepeat()) throw unavailable(error)
  }
  return work().catch((error) => {
    throw unavailable(error)
  })
}

/** @throws ClientGone */
function dropIfAsked({ dropAfterRpc }: StubOptions, operation: string): void {
  if (dropAfterRpc === 'first' || dropAfterRpc === operation) throw new ClientGone()
}

/** What the platform says of a call that failed. */
type Marks = { durableObjectReset?: boolean; overloaded?: boolean; retryable?: boolean } | null

function isReset(error: unknown): boolean {
  const marks = error as Marks
  return marks?.durableObjectReset === true || marks?.retryable === true
}

/** More calls wait for the object than it can answer: asking again would add one more. */
function isOverloaded(error: unknown): boolean {
  return (error as Marks)?.overloaded === true
}

/** When a client may come back to an object that has too much to do, ms. */
const OVERLOADED_MS = 5_000

/** An object that cannot be reached is a passing fault of ours: never a verdict about the request. */
function unavailable(error: unknown): unknown {
  if (isOverloaded(error)) {
    const extra = { retry_after_ms: OVERLOADED_MS }
    return new MatrixError('M_UNKNOWN', 'The server is busy; try again soon', { status: 503, extra })
  }
  if (!isReset(error)) return error
  return new MatrixError('M_UNKNOWN', 'The server was interrupted; try again', { status: 503 })
}
