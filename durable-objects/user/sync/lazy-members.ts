/**
 * Which members each device has been told of: with lazy loading a member is sent with the first of their messages,
 * and not again (Client-Server API §Lazy-loading room members, `include_redundant_members`). Kept in memory alone: a
 * User object that has forgotten sends them once more, which the specification allows.
 */
import type { ClientEvent } from '../../../src/protocol/events/event.ts'

/** The member events a device has, by the user's own stay in the room (who comes back starts anew) and the member. */
type Members = Map<string, string>

interface Device {
  /** Nothing that it was told is forgotten. */
  whole: boolean
  /** The stays in rooms of which it has asked for all members. */
  loaded: Set<string>
  /** The token it came back with last: what its answer and those before it held is known to have arrived. */
  token: string
  has: Members
  /** What answers held whose tokens have not come back, by token. */
  given: Map<string, Members>
}

/** What an answer told. */
interface Given {
  initial: boolean
  stays: ReadonlyMap<string, readonly ClientEvent[]>
}

/** Answers to remember a device: more than this are under way only to a client that loses them all. */
const MAX_GIVEN = 16
/** Members to remember a device; beyond it, all of them are forgotten. */
const MAX_MEMBERS = 10_000

export class LazyMembers {
  readonly #devices = new Map<string, Device>()

  /** A device asks on from a token, or anew: what it has is what led to that token. */
  cameBack(deviceId: string, token: string | undefined): void {
    const device = this.#devices.get(deviceId)
    if (device === undefined || token === device.token) return
    const arrived = token === undefined ? undefined : device.given.get(token)
    // Another token than those given last: it may be older than some of what the device was known to have.
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

  /** Whether the device has this event of a member. */
  has(deviceId: string, stay: string, event: ClientEvent): boolean {
    const has = this.#devices.get(deviceId)?.has
    return has !== undefined && isMember(event) && has.get(keyOf(stay, event)) === event.event_id
  }

  /** Whether the device may have been told of a member, by any event. */
  mayKnow(deviceId: string, stay: string, event: ClientEvent): boolean {
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
    // One token for two answers: which of them arrives is not known, and so only what both held.
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
