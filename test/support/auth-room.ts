/** A room's state laid out by hand, and the verdict of the authorisation rules on an event in it. */

import { type AuthOptions, checkEventAuth } from '../../src/protocol/auth/event-auth.ts'
import { AuthRejection } from '../../src/protocol/errors.ts'
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import type { IdentifiedPdu, Pdu, StateMap } from '../../src/protocol/events/event.ts'
import type { Membership } from '../../src/protocol/rooms/membership.ts'
import { type RoomVersionRules, roomVersion } from '../../src/protocol/rooms/room-version.ts'

export const VERSIONS = ['10', '11', '12']

export const CREATOR = '@creator:home.example'
export const ALICE = '@alice:home.example'
export const BOB = '@bob:home.example'
export const CAROL = '@carol:away.example'

const CREATE_ID = `$${'c'.repeat(43)}`

export interface RoomLayout {
  version: string
  /** Further content of the create event. */
  create?: JsonObject
  /** Content of m.room.power_levels; left out: the room has none. */
  powerLevels?: JsonObject
  /** Left out: the room has no m.room.join_rules. */
  joinRule?: string
  /** The creator is joined unless it says otherwise. */
  members?: Record<string, Membership | undefined>
  thirdPartyInvites?: Record<string, { sender: string }>
}

export interface TestRoom {
  rules: RoomVersionRules
  create: IdentifiedPdu
  state: StateMap
  /** An event in this room, by the creator unless `fields` says otherwise. */
  event(fields: Partial<Pdu>): Pdu
  /** `allowed`, or the sentence of the rule that refuses. */
  verdict(fields: Partial<Pdu>, options?: AuthOptions): string
}

export function rulesOf(version: string): RoomVersionRules {
  const rules = roomVersion(version)
  if (rules === undefined) throw new Error(`room version ${version} is not supported`)
  return rules
}

export function pdu(fields: Partial<Pdu>): Pdu {
  return {
    type: 'm.room.message',
    sender: CREATOR,
    content: {},
    origin_server_ts: 1,
    depth: 9,
    auth_events: [],
    prev_events: ['$previous'],
    hashes: { sha256: '' },
    signatures: {},
    ...fields,
  }
}

export function stateOf(events: IdentifiedPdu[]): StateMap {
  const byKey = new Map(events.map((event) => [JSON.stringify([event.pdu.type, event.pdu.state_key]), event]))
  return { get: (type, stateKey) => byKey.get(JSON.stringify([type, stateKey])) }
}

export function testRoom(layout: RoomLayout): TestRoom {
  const rules = rulesOf(layout.version)
  const roomId = rules.roomIdIsCreateHash ? `!${CREATE_ID.slice(1)}` : '!room:home.example'
  let nextId = 0
  const stateEvent = (type: string, stateKey: string, content: JsonObject, sender = CREATOR) => ({
    eventId: `$state${nextId++}`,
    pdu: pdu({ room_id: roomId, type, state_key: stateKey, content, sender }),
  })

  const createContent = { ...(rules.createHasCreator ? { creator: CREATOR } : {}), ...layout.create }
  const create = { ...stateEvent('m.room.create', '', createContent), eventId: CREATE_ID }
  if (rules.roomIdIsCreateHash) delete create.pdu.room_id

  const events = [create]
  if (layout.powerLevels) events.push(stateEvent('m.room.power_levels', '', layout.powerLevels))
  if (layout.joinRule) events.push(stateEvent('m.room.join_rules', '', { join_rule: layout.joinRule }))
  for (const [userId, membership] of Object.entries({ [CREATOR]: 'join', ...layout.members })) {
    if (membership !== undefined) events.push(stateEvent('m.room.member', userId, { membership }, userId))
  }
  for (const [token, { sender }] of Object.entries(layout.thirdPartyInvites ?? {})) {
    events.push(stateEvent('m.room.third_party_invite', token, {}, sender))
  }

  const state = stateOf(events)
  const event = (fields: Partial<Pdu>): Pdu => pdu({ room_id: roomId, ...fields })
  return {
    rules,
    create,
    state,
    event,
    verdict: (fields, options) => verdictOf(() => checkEventAuth(rules, event(fields), state, options)),
  }
}

/** `allowed`, or the sentence of the rejection. Any other error is a fault and passes through. */
export function verdictOf(check: () => void): string {
  try {
    check()
    return 'allowed'
  } catch (error) {
    if (error instanceof AuthRejection) return error.message
    throw error
  }
}

/** Who was never in the room. */
export const NEVER = undefined
/** What a user may have been before a change of their membership. */
export const BEFORE: (Membership | undefined)[] = [NEVER, 'leave', 'knock', 'invite', 'join', 'ban']

/** A change of membership, as `verdict` takes it. */
export function member(sender: string, target: string, membership: unknown, more: JsonObject = {}) {
  const content = { membership, ...more } as JsonObject
  return { type: 'm.room.member', sender, state_key: target, content }
}

/** A membership before, in titles. */
export function was(membership: Membership | undefined): string {
  return membership ?? 'never a member'
}
