/**
 * Upgrading a room. The old Room owns it: what is under way is on record there until the new room is made and the
 * tombstone stands, so that an interrupted upgrade goes on from the alarm.
 */
import type { CreateRoomPlan, UpgradeRequest } from '../../../src/objects/room/create.ts'
import { powerLevels } from '../../../src/protocol/auth/power-levels.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { checkEventSize } from '../../../src/protocol/events/event-format.ts'
import { buildCreateEvent } from '../../../src/protocol/rooms/create-event.ts'
import {
  closedPowerLevels,
  contentFor,
  type NewState,
  replacementCreate,
  replacementPowerLevels,
  TRANSFERRED_FAMILIES,
  TRANSFERRED_TYPES,
} from '../../../src/protocol/rooms/room-upgrade.ts'
import { type RoomVersionRules, roomVersion } from '../../../src/protocol/rooms/room-version.ts'
import { deleteMeta, readMeta, writeMeta } from '../../sqlite.ts'
import type { RoomReader, RoomWriter } from '../context.ts'
import { appendLog } from '../rows/tell/log.ts'
import { appendLocal } from './pipeline.ts'

/** One upgrade, as `meta` keeps it; `done` once the tombstone stands. */
export interface Upgrade {
  request: UpgradeRequest
  roomId: string
  createPdu: Pdu
  done: boolean
}

/** State goes over in batches: each is one call and one transaction. */
const BATCH = 500
/** Characters of a batch: a call carries 1 MB. */
const BATCH_LENGTH = 400_000

export function currentUpgrade(room: RoomReader): Upgrade | undefined {
  const stored = readMeta<string>(room.store.sql, 'upgrade')
  return stored === undefined ? undefined : (JSON.parse(stored) as Upgrade)
}

/**
 * Whether the room is there, its rules let the sender end it, and the new version is one that we know.
 * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN without the power for a tombstone, M_UNSUPPORTED_ROOM_VERSION
 */
export function checkUpgrade(
  room: RoomReader,
  { sender, version }: Pick<UpgradeRequest, 'sender' | 'version'>,
): RoomVersionRules {
  checkMayUpgrade(room, sender)
  const rules = roomVersion(version)
  if (rules !== undefined) return rules
  throw new MatrixError('M_UNSUPPORTED_ROOM_VERSION', `This server does not know room version ${version}`)
}

/**
 * Puts an upgrade on record, inside the caller's transaction; the same one again is the one that is there.
 * @throws MatrixError as `checkUpgrade`
 */
export function beginUpgrade(room: RoomWriter, request: UpgradeRequest): Upgrade {
  const rules = checkUpgrade(room, request)
  const known = currentUpgrade(room)
  if (known !== undefined && (!known.done || isSame(known.request, request))) return known
  const upgrade = { request, ...newCreate(room, rules, request), done: false }
  writeMeta(room.store.sql, 'upgrade', JSON.stringify(upgrade))
  return upgrade
}

function isSame(a: UpgradeRequest, b: UpgradeRequest): boolean {
  return a.sender === b.sender && a.version === b.version
}

function checkMayUpgrade(room: RoomReader, sender: string): void {
  const levels = powerLevels(room.store.rules, room.store)
  const joined = room.store.member(sender)?.membership === 'join'
  if (joined && levels.user(sender) >= levels.event('m.room.tombstone', true)) return
  throw new MatrixError(
    'M_FORBIDDEN',
    'You may not upgrade this room: you need the power to send m.room.tombstone',
  )
}

function newCreate(
  room: RoomWriter,
  rules: RoomVersionRules,
  request: UpgradeRequest,
): { roomId: string; createPdu: Pdu } {
  const { store } = room
  const create = store.get('m.room.create', '')?.pdu.content ?? {}
  const lastEventId = store.extremities[0]?.eventId ?? ''
  const content = contentFor(
    rules,
    replacementCreate(rules, { roomId: store.roomId, create, lastEventId }, request),
  )
  if (rules.roomIdIsCreateHash) content['selvedge.nonce'] = request.nonce
  const { eventId, pdu, json, roomId } = buildCreateEvent(
    rules,
    { sender: request.sender, content, localpart: request.nonce, originServerTs: room.clock.now() },
    room.serverName,
    room.signingKey,
  )
  checkEventSize(json, pdu, [eventId, roomId])
  return { roomId, createPdu: pdu }
}

/**
 * What the new room is made with, from the old one's state now, and the batches that follow before it is shown to
 * anybody: a room may have banned thousands.
 */
export function replacementPlan(
  room: RoomReader,
  { request }: Upgrade,
): { plan: CreateRoomPlan; rest: Iterable<NewState[]> } {
  const rules = roomVersion(request.version)
  if (rules === undefined) throw new Error('An upgrade on record names an unknown room version')
  const { store } = room
  const levels = powerLevels(store.rules, store)
  const additionalCreators = rules.privilegedCreators ? request.additionalCreators : []
  const by = { sender: request.sender, level: levels.user(request.sender), additionalCreators }
  const { first, last } = replacementPowerLevels(rules, levels.content, by)
  const spared = new Set([request.sender, ...additionalCreators])
  const rest = batches(heldBy(rules, replicatedState(room, { first, last, spared })))
  const plan: CreateRoomPlan = {
    profile: request.profile,
    isDirect: false,
    preset: 'private_chat',
    invite: [],
    initialState: [],
    public: false,
    replicated: rest.next().value ?? [],
  }
  return { plan, rest }
}

function* heldBy(rules: RoomVersionRules, states: Iterable<NewState>): Generator<NewState> {
  for (const state of states) yield { ...state, content: contentFor(rules, state.content) }
}

/** In an order that the new room's rules allow: the levels that stay may not allow the rest. */
function* replicatedState(
  room: RoomReader,
  { first, last, spared }: { first: JsonObject; last: JsonObject; spared: ReadonlySet<string> },
): Generator<NewState> {
  const power = (content: JsonObject) => ({ type: 'm.room.power_levels', stateKey: '', content })
  yield power(first)
  yield* transferred(room)
  yield* bans(room, spared)
  if (first !== last) yield power(last)
}

function* batches(states: Iterable<NewState>): Generator<NewState[], undefined> {
  let batch: NewState[] = []
  let length = 0
  for (const state of states) {
    const more = JSON.stringify(state).length
    if (batch.length === BATCH || (batch.length > 0 && length + more > BATCH_LENGTH)) {
      yield batch
      batch = []
      length = 0
    }
    batch.push(state)
    length += more
  }
  if (batch.length > 0) yield batch
}

function transferred(room: RoomReader): NewState[] {
  const { store } = room
  const single = TRANSFERRED_TYPES.map((type) => store.get(type, ''))
  const families = TRANSFERRED_FAMILIES.flatMap((type) =>
    store.currentKeys(type).map((key) => store.get(type, key)),
  )
  return [...single, ...families]
    .filter((event) => event !== undefined)
    .map(({ pdu }) => ({ type: pdu.type, stateKey: pdu.state_key ?? '', content: pdu.content }))
    .filter(({ content }) => Object.keys(content).length > 0)
}

/** "Membership events should not be transferred", but for bans: a banned user must not get in through the new room. */
function* bans({ store }: RoomReader, spared: ReadonlySet<string>): Generator<NewState> {
  for (const userId of store.membersWith('ban', Number.MAX_SAFE_INTEGER)) {
    if (spared.has(userId)) continue
    const reason = store.get('m.room.member', userId)?.pdu.content.reason
    const content: JsonObject = { membership: 'ban' }
    if (typeof reason === 'string') content.reason = reason
    yield { type: 'm.room.member', stateKey: userId, content }
  }
}

/** The new room refused what it was to be made of, so the old one stays as it was. */
export function dropUpgrade(room: RoomWriter): void {
  deleteMeta(room.store.sql, 'upgrade')
}

/** The new room stands: closes the old one, inside the caller's transaction. Once. */
export function completeUpgrade(room: RoomWriter, upgrade: Upgrade): void {
  if (currentUpgrade(room)?.done !== false) return
  const { store } = room
  const { sender } = upgrade.request
  const state = (type: string, content: JsonObject) =>
    appendLocal(room, { sender, type, stateKey: '', content, unattended: true })
  state('m.room.tombstone', {
    body: 'This room has been replaced',
    replacement_room: upgrade.roomId,
  })
  // "If possible": a user that may end a room need not have the power for the rest.
  const levels = closedPowerLevels(powerLevels(store.rules, store).content)
  if (levels !== undefined) ifAllowed(() => state('m.room.power_levels', levels))
  if (store.get('m.room.canonical_alias', '') !== undefined) {
    ifAllowed(() => state('m.room.canonical_alias', {}))
  }
  appendLog(room, { kind: 'replaced', pos: 0, roomId: upgrade.roomId })
  room.listsChanged = true
  writeMeta(store.sql, 'upgrade', JSON.stringify({ ...upgrade, done: true } satisfies Upgrade))
}

/** An event that is refused is refused before anything of it is written. */
function ifAllowed(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof MatrixError && error.errcode === 'M_FORBIDDEN')) throw error
  }
}
