/** Power levels: m.room.power_levels read lazily, with the defaults for what it leaves out. */
import type { JsonObject, JsonValue } from '../events/canonical-json.ts'
import type { IdentifiedPdu, StateMap } from '../events/event.ts'
import { integerField, objectField, stringField } from '../json-fields.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'

export interface PowerLevels {
  /** A user's level; Infinity for the privileged creators of room version 12. */
  user(userId: string): number
  /** The level needed to send an event of this type. */
  event(type: string, isState: boolean): number
  readonly ban: number
  readonly kick: number
  readonly redact: number
  readonly invite: number
  /** The level needed to trigger a notification such as `room`. */
  notification(key: string): number
  /** The content of m.room.power_levels as it stands; empty when the room has none. */
  readonly content: JsonObject
}

/** Client-Server API §m.room.power_levels: what holds for a property that is left out, or without the event. */
const DEFAULTS = {
  users_default: 0,
  events_default: 0,
  state_default: 50,
  ban: 50,
  kick: 50,
  redact: 50,
  invite: 0,
  notification: 50,
} as const

/** The level of the creator as long as there is no m.room.power_levels: room versions 1 to 11. */
const UNPRIVILEGED_CREATOR = 100

const NO_CONTENT: JsonObject = Object.freeze({})

/** Whole numbers as text, which room versions before 10 take for the number. */
const INTEGER_TEXT = /^\s*[-+]?\d+\s*$/

/** A level as its room version reads it; undefined if it is not a level. */
export function levelField(rules: RoomVersionRules, value: JsonValue | undefined): number | undefined {
  if (rules.integerPowerLevels || typeof value === 'object') return integerField(value)
  if (typeof value === 'string') return INTEGER_TEXT.test(value) ? integerField(Number(value)) : undefined
  // "The value is truncated at the decimal point."
  return typeof value === 'number' && !rules.strictJson
    ? integerField(Math.trunc(value))
    : integerField(value)
}

/**
 * The power levels of a room's state. Costs one look at the state; every level is read when asked for, and the
 * create event only where creators count.
 *
 * @param create the create event, where the caller has it at hand
 */
export function powerLevels(rules: RoomVersionRules, state: StateMap, create?: IdentifiedPdu): PowerLevels {
  const current = state.get('m.room.power_levels', '')
  const content = current?.pdu.content ?? NO_CONTENT
  const creatorLevel = creatorLevelOf(rules, current !== undefined)
  let creators: string[] | undefined

  const level = (value: JsonValue | undefined) => levelField(rules, value)
  const scalar = (key: Exclude<keyof typeof DEFAULTS, 'notification'>): number =>
    level(content[key]) ?? DEFAULTS[key]
  const isCreator = (userId: string): boolean => {
    creators ??= creatorsIn(rules, create ?? state.get('m.room.create', ''))
    return creators.includes(userId)
  }

  return {
    content,
    user(userId) {
      if (creatorLevel !== undefined && isCreator(userId)) return creatorLevel
      return level(objectField(content.users)?.[userId]) ?? scalar('users_default')
    },
    event(type, isState) {
      const explicit = level(objectField(content.events)?.[type])
      return explicit ?? scalar(isState ? 'state_default' : 'events_default')
    },
    notification(key) {
      return level(objectField(content.notifications)?.[key]) ?? DEFAULTS.notification
    },
    get ban() {
      return scalar('ban')
    },
    get kick() {
      return scalar('kick')
    },
    get redact() {
      return scalar('redact')
    },
    get invite() {
      return scalar('invite')
    },
  }
}

/**
 * The room's creators: the sender of the create event, the user it names up to room version 10, and from room
 * version 12 on the additional creators too.
 */
export function creatorsOf(rules: RoomVersionRules, createEvent: IdentifiedPdu): string[] {
  const { sender, content } = createEvent.pdu
  if (rules.createHasCreator) {
    const creator = stringField(content.creator)
    return creator === undefined ? [] : [creator]
  }
  const additional = content.additional_creators
  if (!rules.privilegedCreators || !Array.isArray(additional)) return [sender]
  return [sender, ...additional.filter((userId) => typeof userId === 'string')]
}

function creatorsIn(rules: RoomVersionRules, create: IdentifiedPdu | undefined): string[] {
  return create === undefined ? [] : creatorsOf(rules, create)
}

/** The level that being a creator gives, or undefined where creators have what the event says. */
function creatorLevelOf(rules: RoomVersionRules, hasPowerLevels: boolean): number | undefined {
  if (rules.privilegedCreators) return Number.POSITIVE_INFINITY
  return hasPowerLevels ? undefined : UNPRIVILEGED_CREATOR
}
