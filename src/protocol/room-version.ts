/** Room versions as data: code below asks for a named rule, and only this file knows version numbers. */

/** What a room version decides. Add a flag here rather than compare versions elsewhere. */
export interface RoomVersionRules {
  version: string
  /** v12: the create event has no `room_id`, is not among auth_events, and its hash is the room's id. */
  roomIdIsCreateHash: boolean
  /** v12: the sender of the create event and `additional_creators` stand above every power level. */
  privilegedCreators: boolean
  /** v1–10: the create event names its sender in `content.creator`. */
  createHasCreator: boolean
  /** v11: `redacts` lives in the content. */
  redactsInContent: boolean
  /** v11: the redaction algorithm that keeps create whole, `invite` of power levels and drops legacy keys. */
  modernRedaction: boolean
  knock: boolean
  restricted: boolean
  knockRestricted: boolean
  integerPowerLevels: boolean
  /** v12: state resolution v2.1. */
  resolvesFromEmpty: boolean
}

const V10: RoomVersionRules = {
  version: '10',
  roomIdIsCreateHash: false,
  privilegedCreators: false,
  createHasCreator: true,
  redactsInContent: false,
  modernRedaction: false,
  knock: true,
  restricted: true,
  knockRestricted: true,
  integerPowerLevels: true,
  resolvesFromEmpty: false,
}
const V11: RoomVersionRules = {
  ...V10,
  version: '11',
  createHasCreator: false,
  redactsInContent: true,
  modernRedaction: true,
}
const V12: RoomVersionRules = {
  ...V11,
  version: '12',
  roomIdIsCreateHash: true,
  privilegedCreators: true,
  resolvesFromEmpty: true,
}

const VERSIONS: ReadonlyMap<string, RoomVersionRules> = new Map([V10, V11, V12].map((v) => [v.version, v]))

export const SUPPORTED_ROOM_VERSIONS: readonly string[] = [...VERSIONS.keys()]

/** The rules of a version, or undefined for one this server does not know. */
export function roomVersion(version: string): RoomVersionRules | undefined {
  return VERSIONS.get(version)
}
