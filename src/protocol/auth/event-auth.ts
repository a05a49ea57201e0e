/** The authorisation rules of room versions 3 to 12, in the order of the specification. */

import type { IdentifiedPdu, Pdu, StateMap } from '../events/event.ts'
import { stateKeyOwner } from '../events/state-key.ts'
import { isUserId, serverNameOf } from '../identifiers.ts'
import { membershipIn } from '../rooms/membership.ts'
import { type RoomVersionRules, roomVersion } from '../rooms/room-version.ts'
import { authEventKeys } from './auth-events.ts'
import { type AuthContext, rejectUnless } from './event-auth-context.ts'
import { checkMember } from './event-auth-member.ts'
import { checkPowerLevels } from './event-auth-power-levels.ts'
import { powerLevels } from './power-levels.ts'

export interface AuthOptions {
  /** The verdict on the signatures of a third-party invite, worked out by the caller. */
  thirdPartyInviteVerified?: boolean
}

/**
 * Decides whether an event may follow a state. The state must hold the create event, also where the room version
 * keeps it out of `auth_events`. Signatures are not looked at here: those of the event itself, and the one that
 * `join_authorised_via_users_server` asks for, are checked when an event is received.
 *
 * @throws AuthRejection with the sentence of the rule that refuses
 */
export function checkEventAuth(
  rules: RoomVersionRules,
  event: Pdu,
  state: StateMap,
  options: AuthOptions = {},
): void {
  if (event.type === 'm.room.create') checkCreate(rules, event)
  else checkInRoom(rules, event, state, options)
}

/**
 * Decides whether an event cites only state that the selection algorithm could choose for it. The caller must check
 * that no cited event was itself rejected.
 *
 * @throws AuthRejection with the sentence of the rule that refuses
 */
export function checkAuthEvents(rules: RoomVersionRules, event: Pdu, authEvents: IdentifiedPdu[]): void {
  if (event.type === 'm.room.create') return
  const { type, sender, content, state_key: stateKey } = event
  const selectable = new Set(authEventKeys(rules, { type, sender, content, stateKey }).map(pairName))
  const cited = new Set<string>()
  for (const { pdu } of authEvents) {
    rejectUnless(pdu.state_key !== undefined, 'auth_events cites an event that is not state')
    const pair = pairName([pdu.type, pdu.state_key])
    rejectUnless(!cited.has(pair), 'auth_events has two entries for the same type and state_key')
    rejectUnless(selectable.has(pair), `auth_events cites ${pdu.type}, which does not authorise this event`)
    rejectUnless(pdu.room_id === event.room_id, 'auth_events cites an event of another room')
    cited.add(pair)
  }
  const needsCreate = !rules.roomIdIsCreateHash
  rejectUnless(
    !needsCreate || cited.has(pairName(['m.room.create', ''])),
    'auth_events lacks the create event',
  )
}

function pairName(pair: [type: string, stateKey: string]): string {
  return JSON.stringify(pair)
}

/** Rule 1. */
function checkCreate(rules: RoomVersionRules, event: Pdu): void {
  const { content, room_id: roomId } = event
  rejectUnless(event.prev_events.length === 0, 'the create event must not have prev_events')
  if (rules.roomIdIsCreateHash) {
    rejectUnless(roomId === undefined, 'the create event must not have a room_id')
  } else {
    rejectUnless(
      roomId !== undefined && serverNameOf(roomId) === serverNameOf(event.sender),
      "the room_id must be of the sender's server",
    )
  }
  const version = content.room_version
  rejectUnless(
    version === undefined || (typeof version === 'string' && roomVersion(version) !== undefined),
    'the room version is not recognised',
  )
  rejectUnless(
    !rules.createHasCreator || content.creator !== undefined,
    'the create event must name a creator',
  )
  if (rules.privilegedCreators) checkAdditionalCreators(content.additional_creators)
}

function checkAdditionalCreators(additional: unknown): void {
  rejectUnless(
    additional === undefined ||
      (Array.isArray(additional) &&
        additional.every((userId) => typeof userId === 'string' && isUserId(userId))),
    'additional_creators must be a list of user IDs',
  )
}

function checkInRoom(rules: RoomVersionRules, event: Pdu, state: StateMap, options: AuthOptions): void {
  const create = state.get('m.room.create', '')
  rejectUnless(create !== undefined, 'the room has no create event')
  const levels = powerLevels(rules, state, create)
  const thirdPartyInviteVerified = options.thirdPartyInviteVerified ?? false
  const context: AuthContext = { rules, event, state, create, levels, thirdPartyInviteVerified }

  checkRoom(context)
  checkFederation(context)
  if (event.type === 'm.room.aliases' && rules.aliasesRule) checkAliases(event)
  else if (event.type === 'm.room.member') checkMember(context)
  else checkOrdinary(context)
}

/** Room versions up to 5, rule 4: a server names its aliases of the room; any of its users may send them. */
function checkAliases({ sender, state_key: stateKey }: Pdu): void {
  rejectUnless(stateKey !== undefined, 'm.room.aliases must be state')
  rejectUnless(serverNameOf(sender) === stateKey, "the state_key must be the sender's server")
}

/** Room version 12, rule 2: the room id is the id of the create event under another sigil. */
function checkRoom({ rules, event, create }: AuthContext): void {
  const roomId = rules.roomIdIsCreateHash ? `!${create.eventId.slice(1)}` : create.pdu.room_id
  rejectUnless(event.room_id === roomId, 'the room_id is not that of the room')
}

/** Of member events the target's server counts too, which the rules do not say and Synapse asks. */
function checkFederation({ event, create }: AuthContext): void {
  if (create.pdu.content['m.federate'] !== false) return
  const home = serverNameOf(create.pdu.sender)
  rejectUnless(
    serverNameOf(event.sender) === home,
    'the room does not federate, and the sender is from another server',
  )
  rejectUnless(
    event.type !== 'm.room.member' || serverNameOf(event.state_key ?? '') === home,
    'the room does not federate, and the user is from another server',
  )
}

/** The rules for all events but the create event and memberships. */
function checkOrdinary(context: AuthContext): void {
  const { event, state, levels } = context
  rejectUnless(membershipIn(state, event.sender) === 'join', 'the sender is not in the room')
  if (event.type === 'm.room.third_party_invite') {
    rejectUnless(
      levels.user(event.sender) >= levels.invite,
      "the sender's power level is below the invite level",
    )
  } else {
    checkByType(context)
  }
}

/** "If the event has a state_key that starts with an @ and does not match the sender, reject." MSC3757 allows more. */
function checkStateKey({ event: { sender, state_key: stateKey }, rules, levels }: AuthContext): void {
  if (!stateKey?.startsWith('@')) return
  const owner = stateKeyOwner(rules, stateKey)
  rejectUnless(
    owner === sender ||
      (rules.ownedStateKeys && owner !== undefined && levels.user(sender) > levels.user(owner)),
    'a state_key that starts with @ must be the sender',
  )
}

function checkByType(context: AuthContext): void {
  const { sender, type, state_key: stateKey } = context.event
  const { levels } = context
  rejectUnless(
    levels.event(type, stateKey !== undefined) <= levels.user(sender),
    `the sender's power level is below the level required for ${type}`,
  )
  checkStateKey(context)
  if (type === 'm.room.power_levels') checkPowerLevels(context)
}
