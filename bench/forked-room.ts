/** A room of many members that has forked, laid out as data: its state is large, and what its branches differ in is not. */
import type { JsonObject } from '../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../src/protocol/events/event.ts'
import { type RoomVersionRules, roomVersion } from '../src/protocol/rooms/room-version.ts'
import { ChainCover } from '../src/protocol/state-resolution/chain-cover.ts'
import { type StateDelta, type StateSide, sideOfDeltas } from '../src/protocol/state-resolution/conflict.ts'
import type { ResolutionSource, StateEvent } from '../src/protocol/state-resolution/source.ts'
import { StateKeyMap } from '../src/protocol/state-resolution/state-keys.ts'

const CREATOR = '@creator:here.example'
const MODERATORS = 20
/** On each side: new power levels, so many bans or renames of the same members, and so many settings. */
const MEMBERS_IN_CONFLICT = 29
const SETTINGS = 20

export interface ForkedRoom {
  rules: RoomVersionRules
  sides: StateSide[]
  source: ResolutionSource
}

/** The events of both sides that the other side has not. */
export const CONFLICTED_EVENTS = 2 * (1 + MEMBERS_IN_CONFLICT + SETTINGS)

/** @param members how many are in the room, at least 100 */
export function forkedRoom(version: string, members: number): ForkedRoom {
  const rules = roomVersion(version)
  if (rules === undefined) throw new Error(`room version ${version} is not supported`)
  const room = new Layout(rules)
  room.open(members)
  return {
    rules,
    source: room,
    sides: [room.sideOfBans(), room.sideOfRenames()].map((deltas) =>
      sideOfDeltas((type, stateKey) => room.base.get(type, stateKey), deltas),
    ),
  }
}

class Layout implements ResolutionSource {
  readonly chains = new ChainCover()
  readonly base = new StateKeyMap<string>()
  readonly #events = new Map<string, StateEvent>()
  readonly #rules: RoomVersionRules
  #count = 0

  constructor(rules: RoomVersionRules) {
    this.#rules = rules
  }

  event(eventId: string): StateEvent | undefined {
    return this.#events.get(eventId)
  }

  open(members: number): void {
    const creator = this.#rules.createHasCreator ? { creator: CREATOR } : {}
    this.#stand('m.room.create', CREATOR, '', { ...creator, room_version: this.#rules.version }, [])
    this.#stand('m.room.member', CREATOR, CREATOR, { membership: 'join' }, [])
    this.#stand('m.room.power_levels', CREATOR, '', powerLevels(this.#rules, 0), [CREATOR])
    this.#stand('m.room.join_rules', CREATOR, '', { join_rule: 'public' }, [CREATOR])
    for (let index = 0; index < members; index++) {
      this.#stand('m.room.member', userOf(index), userOf(index), { membership: 'join' }, [])
    }
  }

  /** The creator changes the power levels and bans members; moderators make settings. */
  sideOfBans(): StateDelta[] {
    const levels = this.#change('m.room.power_levels', CREATOR, '', powerLevels(this.#rules, 1), [CREATOR])
    const bans = range(MEMBERS_IN_CONFLICT).map((index) => {
      const target = userOf(MODERATORS + index)
      return this.#change('m.room.member', CREATOR, target, { membership: 'ban' }, [CREATOR, target], levels)
    })
    return [levels, ...bans, ...this.#settings(levels, 0)]
  }

  /** The creator changes the power levels otherwise, the members rename themselves, and other moderators make settings. */
  sideOfRenames(): StateDelta[] {
    const levels = this.#change('m.room.power_levels', CREATOR, '', powerLevels(this.#rules, 2), [CREATOR])
    const renames = range(MEMBERS_IN_CONFLICT).map((index) => {
      const user = userOf(MODERATORS + index)
      const content = { membership: 'join', displayname: `renamed ${index}` }
      return this.#change('m.room.member', user, user, content, [user], levels)
    })
    return [levels, ...renames, ...this.#settings(levels, MODERATORS / 2)]
  }

  #settings(levels: StateDelta, firstModerator: number): StateDelta[] {
    return range(SETTINGS).map((index) => {
      const sender = userOf(firstModerator + (index % (MODERATORS / 2)))
      return this.#change('org.example.setting', sender, `${index}`, { by: sender }, [sender], levels)
    })
  }

  #stand(type: string, sender: string, stateKey: string, content: JsonObject, members: string[]): void {
    this.base.set(type, stateKey, this.#add({ type, sender, stateKey, content, members }))
  }

  #change(
    type: string,
    sender: string,
    stateKey: string,
    content: JsonObject,
    members: string[],
    levels?: StateDelta,
  ): StateDelta {
    return { type, stateKey, eventId: this.#add({ type, sender, stateKey, content, members, levels }) }
  }

  #add(fields: {
    type: string
    sender: string
    stateKey: string
    content: JsonObject
    members: string[]
    levels?: StateDelta | undefined
  }): string {
    const eventId = `$event${this.#count++}`
    const { type, sender, stateKey, content } = fields
    const cited = [
      this.#rules.roomIdIsCreateHash ? undefined : this.base.get('m.room.create', ''),
      fields.levels?.eventId ?? this.base.get('m.room.power_levels', ''),
      type === 'm.room.member' ? this.base.get('m.room.join_rules', '') : undefined,
      ...fields.members.map((userId) => this.base.get('m.room.member', userId)),
    ]
    const pdu: Pdu = {
      type,
      sender,
      state_key: stateKey,
      content,
      origin_server_ts: this.#count,
      depth: this.#count,
      auth_events: type === 'm.room.create' ? [] : cited.filter((cites) => cites !== undefined),
      prev_events: this.#count < 3 && this.#count > 1 ? ['$event0'] : ['$previous'],
      hashes: { sha256: '' },
      signatures: {},
    }
    if (type !== 'm.room.create' || !this.#rules.roomIdIsCreateHash) {
      pdu.room_id = this.#rules.roomIdIsCreateHash ? '!event0' : '!room:here.example'
    }
    this.#events.set(eventId, { eventId, pdu })
    this.chains.add(eventId, pdu.auth_events)
    return eventId
  }
}

function userOf(index: number): string {
  return `@member${index}:away.example`
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index)
}

function powerLevels(rules: RoomVersionRules, redact: number): JsonObject {
  const users: JsonObject = Object.fromEntries(range(MODERATORS).map((index) => [userOf(index), 50]))
  if (!rules.privilegedCreators) users[CREATOR] = 100
  return { users, redact: 50 + redact }
}
