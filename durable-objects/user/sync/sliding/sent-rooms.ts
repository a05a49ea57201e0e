/** What the client of a connection was told of: the rooms it has, by which membership, and how much of each. */
import { elementsOf, type RoomConfig } from '../../../../src/protocol/sliding/room-config.ts'
import { profilesFrom, type SentProfiles, type StoredProfiles, storedProfiles } from './sent-profiles.ts'

export interface SentRoom {
  /** The change of membership that the client knows, by its place in the user's own log. */
  own: number
  /** So many of the latest events it has. */
  limit: number
  /** What of the state it was given, by `elementsOf`. Rooms that were given the same share one list. */
  required: readonly string[]
  /** It was told that the room is a direct chat. */
  direct?: boolean
}

export type SentRooms = ReadonlyMap<number, SentRoom>

export interface Sent {
  rooms: SentRooms
  /** Kept while the client asks for profiles. */
  profiles?: SentProfiles | undefined
}

export const NOTHING_SENT: Sent = { rooms: new Map() }

const known = new WeakMap<readonly string[], WeakMap<RoomConfig, boolean>>()

/** Whether a client has all the state that a config asks for. Asked of many rooms at each wake. */
export function hasRequired({ required }: SentRoom, config: RoomConfig): boolean {
  const answers = known.get(required) ?? new WeakMap<RoomConfig, boolean>()
  known.set(required, answers)
  const answer = answers.get(config) ?? elementsOf(config).every((element) => required.includes(element))
  answers.set(config, answer)
  return answer
}

/** What the client has when it has been told of a room by a config. */
export function sentBy(
  config: RoomConfig,
  own: number,
  { before, limited }: { before: SentRoom | undefined; limited: boolean },
): SentRoom {
  const elements = elementsOf(config)
  if (before === undefined) return { own, limit: config.limit, required: elements }
  // Behind a gap the client has no more than what came after it.
  const limit = limited ? config.limit : Math.max(before.limit, config.limit)
  // Of state that is not asked for any more the client misses the changes.
  return { own, limit, required: elements }
}

export function isSame(one: SentRoom | undefined, other: SentRoom): boolean {
  return (
    one !== undefined &&
    one.own === other.own &&
    one.limit === other.limit &&
    one.direct === other.direct &&
    (one.required === other.required || JSON.stringify(one.required) === JSON.stringify(other.required))
  )
}

/** As it is stored: each list stands there once. */
interface Stored {
  lists: string[][]
  rooms: [no: number, own: number, limit: number, list: number, direct?: 1][]
  profiles?: StoredProfiles
}

export function formatSent({ rooms, profiles }: Sent): string {
  const lists = new Map<string, number>()
  const indexOf = (required: readonly string[]) => {
    const key = JSON.stringify(required)
    const index = lists.get(key) ?? lists.size
    lists.set(key, index)
    return index
  }
  const placed = [...rooms].map(([no, { own, limit, required, direct }]) => [
    no,
    own,
    limit,
    indexOf(required),
    ...(direct ? [1] : []),
  ])
  return JSON.stringify({
    rooms: placed,
    lists: [...lists.keys()].map((key) => JSON.parse(key)),
    ...(profiles !== undefined && { profiles: storedProfiles(profiles) }),
  })
}

export function parseSent(text: string): Sent {
  const { lists, rooms, profiles } = JSON.parse(text) as Stored
  const placed = rooms.map(
    ([no, own, limit, list, direct]) =>
      [
        no,
        { own, limit, required: lists[list] ?? NO_STATE, ...(direct && { direct: true as const }) },
      ] as const,
  )
  return { rooms: new Map(placed), ...(profiles !== undefined && { profiles: profilesFrom(profiles) }) }
}

const NO_STATE: readonly string[] = []
