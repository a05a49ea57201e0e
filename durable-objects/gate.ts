/**
 * The gate before objects that are named from outside. Calling an object makes it, so a name that somebody made up must
 * not become a call. See `docs/decisions/`, 12.
 */
import type { Env } from '../src/env.ts'
import { askForRoom } from '../src/federation/directory.ts'
import { knownIds, type OneByOne, together } from '../src/known-ids.ts'
import type { RemoteJoin } from '../src/objects/room/federation.ts'
import type { PublicKeys } from '../src/objects/user/keys.ts'
import { patiently } from '../src/patience.ts'
import type { Ports } from '../src/ports/ports.ts'
import { MatrixError } from '../src/protocol/errors.ts'
import { isRoomId, mayBeLocalRoom } from '../src/protocol/identifiers.ts'
import { ASKED_MS, usersIn } from './existing-users.ts'
import type { StubOptions } from './peers.ts'
import { absentOf } from './rpc-table.ts'
import { type Servers, serversFrom } from './servers.ts'
import { type Objects, objectsOf, type RoomGateway, type UserGateway } from './stubs.ts'

export { ClientGone } from './peers.ts'
export { type Servers, UNREACHABLE } from './servers.ts'
export type { Objects, PartitionGateway, RoomGateway, UserGateway } from './stubs.ts'

/** The objects as a request may name them. */
export interface GatedObjects extends Objects {
  /** A room that the request is about to make, or to join where it is on other servers. */
  newRoom(roomId: string): Pick<RoomGateway, 'create'> & { joinRemote(part: RemoteJoin): Promise<void> }
  /** Notes a room that was made on the request's behalf, before the archive knows of it. */
  noteRoom(roomId: string): Promise<void>
  /** Those of these users that exist. */
  knownUsers(userIds: readonly string[]): Promise<ReadonlySet<string>>
  /** An object that is nobody's, for measuring: its name is none that a user can have. It stores nothing. */
  probe(): Pick<UserGateway, 'hearPresences'>
  /** @throws MatrixError M_NOT_FOUND unless there is such a room */
  requireRoom(roomId: string): Promise<void>
  /** Which names are this server's, and which are another server's. */
  servers: Servers
}

type GatePorts = Pick<
  Ports,
  'accounts' | 'aliases' | 'archiveReader' | 'calls' | 'config' | 'federation' | 'roomNotes'
>

/** The rooms that this isolate knows to be there. */
const knownRooms = knownIds()

/**
 * The gateways for a request, which refuse users and rooms that are not there.
 * @param options `asker`: the user whose token the request has shown, if any
 */
export function gatedObjects(
  env: Env,
  ports: GatePorts,
  options: StubOptions & { asker: () => string | undefined },
): GatedObjects {
  const { asker } = options
  const objects = objectsOf(env, ports.calls, options)
  const isUser = usersIn(ports)
  const isRoom = roomCheck(objects, ports, asker)
  const knownUsers = async (userIds: readonly string[]): Promise<ReadonlySet<string>> => {
    const answers = await Promise.all(userIds.map((userId) => isUser(userId)))
    return new Set(userIds.filter((_, index) => answers[index]))
  }
  const noteRoom = (roomId: string) => ports.roomNotes.put(roomId).catch(() => undefined)
  /** Asks the objects of the users that exist; for each other user the answer is `nothing`. */
  const ofKnown = async <Q, A>(
    all: readonly Q[],
    userIdOf: (question: Q) => string,
    nothing: A,
    ask: (some: Q[]) => Promise<A[]>,
  ): Promise<A[]> => {
    const known = await knownUsers(all.map(userIdOf))
    const some = all.filter((question) => known.has(userIdOf(question)))
    const answers = some.length === 0 ? [] : await ask(some)
    const byUser = new Map(some.map((question, index) => [userIdOf(question), answers[index] as A]))
    return all.map((question) =>
      known.has(userIdOf(question)) ? (byUser.get(userIdOf(question)) as A) : nothing,
    )
  }
  const user = (userId: string) => behind<UserGateway>('user', objects.user(userId), () => isUser(userId))
  return {
    room: (roomId) => behind<RoomGateway>('room', objects.room(roomId), () => isRoom(roomId)),
    user,
    // Its number is no name from outside: there are sixteen, where the stream is on.
    partition: (number) => objects.partition(number),
    // Named by a signature that was checked, of a server that shares a room: it has one already, or may.
    destination: (serverName) => objects.destination(serverName),
    markMany: (marks) => objects.markMany(marks),
    servers: serversFrom({
      serverName: ports.config.serverName,
      profileOf: (userId) => user(userId).profile(),
      aliases: ports.aliases,
      ...(ports.config.federation.on && {
        askForRoom: (alias: string) => askForRoom(ports.federation, alias),
      }),
    }),
    newRoom: (roomId) => ({
      async create(...args) {
        const [made] = await Promise.all([objects.room(roomId).create(...args), noteRoom(roomId)])
        knownRooms.add(roomId)
        return made
      },
      async joinRemote(part) {
        await objects.room(roomId).joinRemote(roomId, part)
        if (part.finish === undefined) return
        await noteRoom(roomId)
        knownRooms.add(roomId)
      },
    }),
    noteRoom,
    knownUsers,
    probe: () => objects.user(`@PROBE:${ports.config.serverName}`),
    async requireRoom(roomId) {
      if (!(await isRoom(roomId))) throw noSuchRoom()
    },
    invitees: (userIds, inviter) =>
      ofKnown(
        userIds,
        (userId) => userId,
        { takesInvites: false, profile: {} },
        (some) => objects.invitees(some, inviter),
      ),
    isReachedByFanOut: (userId) => objects.isReachedByFanOut(userId),
    strangers: (userIds, roomIds) => objects.strangers(userIds, roomIds),
    profiles: (userIds, fields) => objects.profiles(userIds, fields),
    publicKeys: (queries) =>
      ofKnown<(typeof queries)[number], PublicKeys | undefined>(
        queries,
        ({ userId }) => userId,
        { devices: {} },
        (some) => objects.publicKeys(some),
      ),
    claimKeys: (requests) =>
      ofKnown(
        requests,
        ({ userId }) => userId,
        {},
        (some) => objects.claimKeys(some),
      ),
  }
}

const noSuchRoom = () => new MatrixError('M_NOT_FOUND', 'No such room')
const noSuchUser = () => new MatrixError('M_NOT_FOUND', 'There is no such user here')
const NOT_THERE = { room: noSuchRoom, user: noSuchUser } as const
type GatedKind = keyof typeof NOT_THERE

/** The same gateway, whose every call asks first whether there is such an object. */
function behind<Gateway extends object>(
  kind: GatedKind,
  gateway: Gateway,
  isThere: () => boolean | Promise<boolean>,
): Gateway {
  type Call = (...args: unknown[]) => Promise<unknown>
  const once = async (
    admission: boolean | Promise<boolean>,
    method: string,
    call: () => Promise<unknown>,
  ) => {
    if (await admission) return call()
    const absent = absentOf(kind, method)
    if (typeof absent === 'function') return absent()
    throw NOT_THERE[kind]()
  }
  return new Proxy(gateway, {
    get: (_, method) => {
      const target = (gateway as Record<string | symbol, Call | undefined>)[method]
      if (target === undefined || typeof method !== 'string') return undefined
      return (...args: unknown[]) => {
        const admitted = absentOf(kind, method) === 'ask' || isThere()
        return admitted === true ? target(...args) : once(admitted, method, () => target(...args))
      }
    },
  })
}

/**
 * Whether there is such a room. The asker's own object is asked first, which costs no request to a database: most
 * askers are members. Then the archive, and the notes of rooms that it may not know yet. Where the archive does not
 * answer, the Room itself is asked, which makes no table by answering: people go on talking without Postgres. A room of
 * another server is not asked for so, since anybody may invent such names.
 */
function roomCheck(objects: Objects, ports: GatePorts, asker: () => string | undefined): OneByOne {
  const { config } = ports
  const isOurs = (roomId: string) => mayBeLocalRoom(roomId, config.serverName)
  const ask = together(async (roomIds) => {
    const userId = asker()
    const own =
      userId === undefined
        ? []
        : await objects
            .user(userId)
            .knownRooms(roomIds)
            .catch(() => [])
    const others = roomIds.filter((roomId) => !own.includes(roomId))
    const found = others.length === 0 ? [] : await known(others, ports)
    for (const roomId of [...own, ...(found ?? [])]) knownRooms.add(roomId)
    return [...own, ...(found ?? others.filter(isOurs))]
  })
  return (roomId) => {
    if (knownRooms.has(roomId)) return true
    return (config.federation.on ? isRoomId(roomId) : isOurs(roomId)) && ask(roomId)
  }
}

/** Those of these rooms that the databases know; undefined when they cannot be asked. */
async function known(
  roomIds: string[],
  { archiveReader, roomNotes }: GatePorts,
): Promise<string[] | undefined> {
  const [archived, noted] = await Promise.all([
    patiently(
      ASKED_MS,
      archiveReader.existing(roomIds).catch(() => undefined),
    ),
    roomNotes.of(roomIds).catch(() => []),
  ])
  const found = new Set([...(archived ?? []), ...noted])
  return archived === undefined && found.size < roomIds.length ? undefined : [...found]
}
