/** A room's first moment: everything after the create event, in one transaction and in the order of the spec. */
import type { CreateRoomPlan } from '../../../src/objects/room/create.ts'
import { checkEventAuth } from '../../../src/protocol/auth/event-auth.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { canonicalJson, type JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { checkEventSize } from '../../../src/protocol/events/event-format.ts'
import { eventIdOf, eventJson, roomIdOfCreate } from '../../../src/protocol/events/event-hash.ts'
import type { NewState } from '../../../src/protocol/rooms/room-upgrade.ts'
import { type RoomVersionRules, roomVersion } from '../../../src/protocol/rooms/room-version.ts'
import type { RoomReader, RoomWriter } from '../context.ts'
import { noteListed } from '../rows/tell/listed.ts'
import { appendLog } from '../rows/tell/log.ts'
import { appendLocal, writeEvent } from './pipeline.ts'

interface Preset {
  joinRule: string
  historyVisibility: string
  /** If absent, no event is sent, which means `forbidden`. */
  guestAccess?: string
}

/** Client-Server API §createRoom, `preset`. */
const PRESETS: Readonly<Record<CreateRoomPlan['preset'], Preset>> = {
  private_chat: { joinRule: 'invite', historyVisibility: 'shared', guestAccess: 'can_join' },
  trusted_private_chat: { joinRule: 'invite', historyVisibility: 'shared', guestAccess: 'can_join' },
  public_chat: { joinRule: 'public', historyVisibility: 'shared' },
}

/**
 * Makes the room from its signed create event. Asked again with the same create event, it changes nothing.
 * @throws MatrixError where the plan breaks the room's own rules: nothing is made then
 */
export function createRoom(room: RoomWriter, createPdu: Pdu, version: string, plan: CreateRoomPlan): string {
  const rules = roomVersion(version)
  if (rules === undefined) {
    throw new MatrixError('M_UNSUPPORTED_ROOM_VERSION', `Room version ${version} is not supported`)
  }
  const eventId = eventIdOf(createPdu, rules)
  if (room.store.exists) return existingRoom(room, eventId)
  const roomId = rules.roomIdIsCreateHash ? roomIdOfCreate(createPdu, rules) : (createPdu.room_id ?? '')
  const json = eventJson(createPdu, rules)
  checkEventSize(json, createPdu, [eventId, roomId])
  checkEventAuth(rules, createPdu, room.store)
  room.store.initialise(roomId, version)
  writeEvent(room, { eventId, pdu: createPdu, json }, null)
  for (const event of firstEvents(rules, createPdu, plan)) {
    asItsOwnPlan(() => appendLocal(room, { sender: createPdu.sender, ...event }))
  }
  if (plan.alias !== undefined) {
    appendLog(room, { kind: 'alias', pos: 0, alias: plan.alias, creator: createPdu.sender })
  }
  if (plan.public) {
    appendLog(room, { kind: 'visibility', pos: 0, public: true })
    noteListed(room.store.sql, true)
    room.listsChanged = true
  }
  return roomId
}

/**
 * M_INVALID_ROOM_STATE: "if the initial state implied by the parameters to the request is invalid: for example, the
 * user's `power_level` is set below that necessary to set the room name".
 */
function asItsOwnPlan(step: () => void): void {
  try {
    step()
  } catch (error) {
    if (!(error instanceof MatrixError) || error.errcode !== 'M_FORBIDDEN') throw error
    throw new MatrixError('M_INVALID_ROOM_STATE', `The room could not be set up as asked: ${error.message}`)
  }
}

/**
 * Goes on with a room that replaces another, inside the caller's transaction. Asked again, it changes nothing.
 * @throws MatrixError M_FORBIDDEN where the room's rules do not let the sender
 */
export function replicate(room: RoomWriter, sender: string, states: readonly NewState[]): void {
  for (const { type, stateKey, content } of states) {
    const standing = room.store.get(type, stateKey)?.pdu.content
    if (standing !== undefined && canonicalJson(standing, 'any') === canonicalJson(content, 'any')) continue
    appendLocal(room, { sender, type, stateKey, content, unattended: true })
  }
}

function existingRoom(room: RoomReader, createEventId: string): string {
  if (room.store.get('m.room.create', '')?.eventId === createEventId) return room.store.roomId
  throw new MatrixError('M_ROOM_IN_USE', 'A room with this id exists')
}

interface FirstEvent {
  type: string
  stateKey: string
  content: JsonObject
}

function* firstEvents(rules: RoomVersionRules, create: Pdu, plan: CreateRoomPlan): Generator<FirstEvent> {
  const { sender } = create
  yield {
    type: 'm.room.member',
    stateKey: sender,
    content: { membership: 'join', ...plan.profile },
  }
  if (plan.replicated !== undefined) {
    yield* plan.replicated
    return
  }
  const [ownLevels, initialState] = takeFirst(plan.initialState, isPowerLevels)
  yield ownLevels ?? state('m.room.power_levels', firstPowerLevels(rules, sender, plan))
  if (plan.alias !== undefined) yield state('m.room.canonical_alias', { alias: plan.alias })
  yield* presetEvents(plan)
  yield* initialState
  if (plan.name !== undefined) yield state('m.room.name', { name: plan.name })
  if (plan.topic !== undefined) yield state('m.room.topic', topicContent(plan.topic))
  for (const userId of plan.invite) {
    const content: JsonObject = { ...plan.inviteProfiles?.[userId], membership: 'invite' }
    if (plan.isDirect) content.is_direct = true
    yield { type: 'm.room.member', stateKey: userId, content }
  }
}

/** If `initial_state` gives these, they take the place of the first ones, and what follows is judged by them. */
function isPowerLevels({ type, stateKey }: FirstEvent): boolean {
  return type === 'm.room.power_levels' && stateKey === ''
}

/** The first that is wanted, and all others in their order. */
function takeFirst<T>(all: readonly T[], wanted: (one: T) => boolean): [T | undefined, T[]] {
  const index = all.findIndex(wanted)
  return index === -1 ? [undefined, [...all]] : [all[index], all.toSpliced(index, 1)]
}

function state(type: string, content: JsonObject): FirstEvent {
  return { type, stateKey: '', content }
}

/** The preset leaves alone what `initial_state` sets (ROOM1). */
function* presetEvents(plan: CreateRoomPlan): Generator<FirstEvent> {
  const preset = PRESETS[plan.preset]
  const given = new Set(plan.initialState.filter((s) => s.stateKey === '').map((s) => s.type))
  const events = [
    state('m.room.join_rules', { join_rule: preset.joinRule }),
    state('m.room.history_visibility', { history_visibility: preset.historyVisibility }),
  ]
  if (preset.guestAccess !== undefined) {
    events.push(state('m.room.guest_access', { guest_access: preset.guestAccess }))
  }
  for (const event of events) if (!given.has(event.type)) yield event
}

/** Version 1.15 of the spec: the topic also as a block of typed texts. */
function topicContent(topic: string): JsonObject {
  return { topic, 'm.topic': { 'm.text': [{ body: topic, mimetype: 'text/plain' }] } }
}

function firstPowerLevels(rules: RoomVersionRules, creator: string, plan: CreateRoomPlan): JsonObject {
  // v12: creators stand above all levels and must not be among `users`; a tombstone ends the room for good, so it
  // asks for more than ordinary administrators have (Room Version 12).
  const users: JsonObject = {}
  if (!rules.privilegedCreators) {
    users[creator] = 100
    const invited = [...plan.invite, ...(plan.inviteElsewhere ?? [])]
    if (plan.preset === 'trusted_private_chat') for (const userId of invited) users[userId] = 100
  }
  const levels: JsonObject = {
    users,
    users_default: 0,
    events: {
      'm.room.avatar': 50,
      'm.room.canonical_alias': 50,
      'm.room.encryption': 100,
      'm.room.history_visibility': 100,
      'm.room.name': 50,
      'm.room.power_levels': 100,
      'm.room.server_acl': 100,
      'm.room.tombstone': rules.privilegedCreators ? 150 : 100,
    },
    events_default: 0,
    state_default: 50,
    ban: 50,
    kick: 50,
    redact: 50,
    invite: plan.preset === 'public_chat' ? 50 : 0,
    notifications: { room: 50 },
  }
  return { ...levels, ...plan.powerLevelOverride }
}
