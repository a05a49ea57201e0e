/**
 * Which members each device has been told of: with lazy loading a member is sent with the first of their messages,
 * and not again (Client-Server API §Lazy-loading room members, `include_redundant_members`). Kept in memory alone: a
 * User object that has forgotten sends them once more, which the specification allows.
 */
import type { ClientEvent } from '../../../src/protocol/events/event.ts'
import type { Filter } from '../../../src/protocol/matching/filter.ts'
import type { UserRoom } from './memberships.ts'
import type { SyncQuery } from './query.ts'
import type { RoomNews } from './streams/news.ts'

/** The member events a device has, by the member and the user's own stay in the room: each stay starts anew. */
type Members = Map<string, string>

interface Device {
  /** Nothing that it was told is forgotten. */
  whole: boolean
  /** The stays in rooms of which it has asked for all members. */
  loaded: Set<string>
  /** The token it came back with last: what its answer and those before it held is known to have arrived. */
  token: string
  has: Members
  /** By token, what the answers held: for tokens that have not come back yet. */
  given: Map<string, Members>
}

/** What an answer told. */
interface Given {
  initial: boolean
  stays: ReadonlyMap<string, readonly ClientEvent[]>
}

/** Answers remembered for each device: more are under way only to a client that loses them all. */
const MAX_GIVEN = 16
/** Members remembered for each device; beyond that, all of them are forgotten. */
const MAX_MEMBERS = 10_000

export class LazyMembers {
  readonly #devices = new Map<string, Device>()

  /** A device asks on from a token, or anew: what it has is what led to that token. */
  cameBack(deviceId: string, token: string | undefined): void {
    const device = this.#devices.get(deviceId)
    if (device === undefined || token === device.token) return
    const arrived = token === undefined ? undefined : device.given.get(token)
    // Another token than those given last: it may come from before some of what the device was known to have.
    if (arrived === undefined || token === undefined) {
      this.#devices.delete(deviceId)
      return
    }
    for (const [key, eventId] of arrived) device.has.set(key, eventId)
    if (device.has.size > MAX_MEMBERS) {
      device.has.clear()
      device.whole = false
    }
    device.token = token
    device.given.clear()
  }

  /** Takes the members from a room's state that the device has already. Answers what the room's part then holds. */
  withoutKnown({ session, filter, fullState }: SyncQuery, { room, first, slice }: RoomNews): ClientEvent[] {
    const { deviceId } = session
    const stay = stayOf(room)
    const wantsAll = first || fullState || filter?.room?.state?.include_redundant_members === true
    const speakers = new Set([
      ...slice.events.map(({ event }) => event.sender),
      ...(slice.heroes ?? []),
      session.userId,
    ])
    // Behind a gap, only the timeline's senders are named, and members whose name the client may show as it was.
    const isWanted = (event: ClientEvent) =>
      event.type !== 'm.room.member' ||
      !slice.limited ||
      speakers.has(event.state_key ?? '') ||
      this.#mayKnow(deviceId, stay, event)
    if (!wantsAll)
      slice.state = slice.state.filter((event) => !this.#has(deviceId, stay, event) && isWanted(event))
    return [...slice.state, ...slice.events.map(({ event }) => event)]
  }

  /** Whether the device has this event of a member. */
  #has(deviceId: string, stay: string, event: ClientEvent): boolean {
    const has = this.#devices.get(deviceId)?.has
    return has !== undefined && isMember(event) && has.get(keyOf(stay, event)) === event.event_id
  }

  /** Whether the device may have been told of a member, by any event. */
  #mayKnow(deviceId: string, stay: string, event: ClientEvent): boolean {
    const device = this.#devices.get(deviceId)
    return device?.whole !== true || device.loaded.has(stay) || device.has.has(keyOf(stay, event))
  }

  /** A device asks for all members of a room. */
  load(deviceId: string, stay: string): void {
    this.#devices.get(deviceId)?.loaded.add(stay)
  }

  /**
   * An answer was made.
   * @param token what the device comes back with if the answer arrives
   * @param answer.initial it begins anew
   * @param answer.stays the events it holds, state before timeline, by the user's stay in a room
   */
  give(deviceId: string, token: string, { initial, stays }: Given): void {
    const fresh = { token: '', has: new Map(), given: new Map(), whole: initial, loaded: new Set<string>() }
    const device = this.#devices.get(deviceId) ?? fresh
    this.#devices.set(deviceId, device)
    const members: Members = new Map()
    for (const [stay, events] of stays) {
      for (const event of events) if (isMember(event)) members.set(keyOf(stay, event), event.event_id)
    }
    // One token for two answers: it is not known which of them arrives, so only what both held counts.
    const other = device.given.get(token)
    if (other !== undefined) for (const [key, id] of members) if (other.get(key) !== id) members.delete(key)
    device.given.delete(token)
    device.given.set(token, members)
    if (device.given.size > MAX_GIVEN) device.given.delete(device.given.keys().next().value as string)
  }
}

function isMember({ type, state_key }: ClientEvent): boolean {
  return type === 'm.room.member' && state_key !== undefined
}

function keyOf(stay: string, { state_key }: ClientEvent): string {
  return `${stay} ${state_key}`
}

/** Whether a client wants members lazily. The federation format has no event ids to know them by. */
export function loadsLazily(filter: Filter | undefined): boolean {
  return filter?.room?.state?.lazy_load_members === true && filter.event_format !== 'federation'
}

/** The user's stay in a room, from one change of their membership to the next. */
export function stayOf({ no, own }: UserRoom): string {
  return `${no}.${own}`
}
