/** Gateways to the objects: their names, and their answers back from values. Nothing else names or calls an object. */
import type { Env } from '../src/env.ts'
import { checkValue, countCall } from '../src/limiter.ts'
import type { CallCounters, Invitee, RoomGateway, UserGateway } from '../src/ports.ts'
import { MatrixError } from '../src/protocol/errors.ts'
import { throughFaults } from './network-faults.ts'
import { fromResult, type RpcResult } from './rpc.ts'

export interface Objects {
  room(roomId: string): RoomGateway
  user(userId: string): UserGateway
  /** What invitations must know of their targets, in their order; many are asked through stateless Workers. */
  invitees(userIds: readonly string[], inviter: string): Promise<Invitee[]>
}

/** An object's side of a gateway: the same methods, with errors as values; what answers a `Response` is its `fetch`. */
export type RpcSide<Gateway> = {
  [Method in keyof Gateway as Gateway[Method] extends (...args: never[]) => Promise<Response>
    ? never
    : Method]: Gateway[Method] extends (...args: infer Args) => Promise<infer Value>
    ? (
        ...args: Args
      ) => [Value] extends [Response] ? Promise<Value> : RpcResult<Value> | Promise<RpcResult<Value>>
    : never
}

/** A test cut this request's Worker off, as a client that goes away does in production. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone'
}

export interface StubOptions {
  /** Tests: the Worker is cancelled when this RPC, such as `room.send`, or its first one has been answered. */
  dropAfterRpc?: 'first' | (string & {})
}

/** What may be asked again when an object was reset in the middle: a second run changes nothing more. */
const REPEATABLE: ReadonlySet<string> = new Set([
  'create',
  'changeMembership',
  'pull',
  'messages',
  'event',
  'context',
  'children',
  'threads',
  'eventAtTime',
  'snapshot',
  'peek',
  'roomAccountData',
  'state',
  'stateEvent',
  'members',
  'joinedMembers',
  'joinRule',
  'isJoined',
  'markRead',
  'setFullyRead',
  'presence',
  'hearPresence',
  'setPresence',
  'awake',
  'mayEditAliases',
  'forget',
  'upgrade',
  'schedule',
  'delayedAction',
  'delayedEvents',
  'rebuild',
  'tags',
  'setTag',
  'ignoredUsers',
  'invitePermission',
  'noteDelayed',
  'delayedRooms',
  'pruneDelayed',
  'dropAlias',
  'archived',
  'setListed',
  'summary',
  'visibleEvents',
  'foundEvents',
  'visitedRooms',
  'checkSession',
  'logout',
  'devices',
  'device',
  'profile',
  'profileFields',
  'setProfileField',
  'refreshSession',
  'changePassword',
  'deleteDevices',
  'standing',
  'setStanding',
  'whois',
  'updateProfile',
  'markErased',
  'joinedRooms',
  'getFilter',
  'getAccountData',
  'positionOf',
  'membershipChanged',
  'wake',
])

/** What answers with a WebSocket goes by `fetch`: an RPC cannot carry one. */
const OVER_FETCH: ReadonlySet<string> = new Set(['sync'])

export function roomName(serverName: string, roomId: string): string {
  return `${serverName}/room/${roomId}`
}

export function userName(serverName: string, userId: string): string {
  return `${serverName}/user/${userId}`
}

/** The id behind an object's name. */
export function idOfName(name: string): string {
  return name.slice(name.indexOf('/', name.indexOf('/') + 1) + 1)
}

/** The gateways for one Worker invocation or one object. */
export function objectsOf(env: Env, counters: CallCounters, options: StubOptions = {}): Objects {
  const serverName = env.SERVER_NAME
  const user = (userId: string) =>
    gateway<UserGateway>('user', env.USER, userName(serverName, userId), counters, options)
  return {
    room: (roomId) => gateway<RoomGateway>('room', env.ROOM, roomName(serverName, roomId), counters, options),
    user,
    async invitees(userIds, inviter) {
      if (userIds.length <= INVITEES_AT_ONCE) {
        return Promise.all(userIds.map((userId) => inviteeOf(user(userId), inviter)))
      }
      const slices: string[][] = []
      for (let start = 0; start < userIds.length; start += INVITEES_AT_ONCE) {
        slices.push(userIds.slice(start, start + INVITEES_AT_ONCE))
      }
      const fanOut = env.FANOUT as unknown as {
        invitees(userIds: string[], inviter: string): Promise<Invitee[]>
      }
      const answers = slices.map((slice) => {
        countCall('fan_out.invitees')
        return fanOut.invitees(slice, inviter)
      })
      return (await Promise.all(answers)).flat()
    },
  }
}

/** Each costs two calls. */
const INVITEES_AT_ONCE = 50

async function inviteeOf(user: UserGateway, inviter: string): Promise<Invitee> {
  const [permission, profile] = await Promise.all([user.invitePermission(inviter), user.profile()])
  return { takesInvites: permission !== 'block', profile }
}

type Call = (...args: unknown[]) => Promise<unknown>

function gateway<Gateway>(
  kind: 'room' | 'user',
  namespace: DurableObjectNamespace,
  name: string,
  counters: CallCounters,
  options: StubOptions,
): Gateway {
  const connect = (): Record<string, Call> =>
    namespace.get(namespace.idFromName(name)) as unknown as Record<string, Call>
  const call = async (method: string, args: unknown[]): Promise<unknown> => {
    const operation = `${kind}.${method}`
    counters.count(operation)
    countCall(operation)
    checkValue(operation, args)
    const answer = await throughFaults(operation, () =>
      onceMore(
        () => connect()[method]!(...args),
        () => mayRepeat(method, args),
      ),
    )
    checkValue(operation, answer)
    dropIfAsked(options, operation)
    return fromResult(answer as RpcResult<unknown>)
  }
  const viaFetch = async (method: string, request: unknown): Promise<Response> => {
    const operation = `${kind}.${method}`
    counters.count(operation)
    countCall(operation)
    const url = `https://object/${method}?request=${encodeURIComponent(JSON.stringify(request))}`
    const ask = () =>
      namespace.get(namespace.idFromName(name)).fetch(url, { headers: { Upgrade: 'websocket' } })
    const response = await onceMore(ask, () => true)
    dropIfAsked(options, operation)
    return response
  }
  return new Proxy({} as object, {
    get: (_, method) => {
      // With a `then`, `await` would take the gateway for a promise.
      if (typeof method !== 'string' || method === 'then') return undefined
      if (OVER_FETCH.has(method)) return (request: unknown) => viaFetch(method, request)
      return (...args: unknown[]) => call(method, args)
    },
  }) as Gateway
}

/** Runs `work`, and again if its object was reset in the middle and a second run changes nothing more. */
async function onceMore<T>(work: () => Promise<T>, mayRepeat: () => boolean): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isReset(error) || !mayRepeat()) throw unavailable(error)
  }
  return work().catch((error) => {
    throw unavailable(error)
  })
}

/** @throws ClientGone */
function dropIfAsked({ dropAfterRpc }: StubOptions, operation: string): void {
  if (dropAfterRpc === 'first' || dropAfterRpc === operation) throw new ClientGone()
}

function mayRepeat(method: string, args: unknown[]): boolean {
  if (REPEATABLE.has(method)) return true
  // A send is idempotent by its transaction id, and a state event by its content.
  if (method !== 'send') return false
  const { txnId, stateKey } = args[0] as { txnId?: string; stateKey?: string }
  return txnId !== undefined || stateKey !== undefined
}

function isReset(error: unknown): boolean {
  const marks = error as { durableObjectReset?: boolean; retryable?: boolean } | null
  return marks?.durableObjectReset === true || marks?.retryable === true
}

/** An object that cannot be reached is a passing fault of ours: never a verdict about the request. */
function unavailable(error: unknown): unknown {
  if (!isReset(error)) return error
  return new MatrixError('M_UNKNOWN', 'The server was interrupted; try again', { status: 503 })
}
