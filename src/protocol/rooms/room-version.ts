/** Room versions as data: code below asks for a named rule, and only this file knows version numbers. */

/** What a room version decides. Add a flag here rather than compare versions elsewhere. */
export interface RoomVersionRules {
  version: string
  /** v4: event ids are written in the URL-safe alphabet; before, they may have slashes. */
  urlSafeEventIds: boolean
  /** v5: a key counts for events of its time alone. */
  enforcesKeyValidity: boolean
  /** v6: events are canonical JSON, which knows integers alone. */
  strictJson: boolean
  /** v1–5: m.room.aliases has an authorisation rule of its own, and its redaction keeps them. */
  aliasesRule: boolean
  /** v6: changes of the levels of notifications are checked as those of events are. */
  checksNotificationLevels: boolean
  /** v7: users may knock. */
  knock: boolean
  /** v8: members of other rooms may join, and the redaction of join rules keeps which rooms. */
  restricted: boolean
  /** v9: the redaction of a member event keeps the user that vouched for the join. */
  redactionKeepsVoucher: boolean
  /** v10 */
  knockRestricted: boolean
  /** v10: power levels are integers; before, they may be texts, and before version 6 floats. */
  integerPowerLevels: boolean
  /** v1–10: the create event names its sender in `content.creator`. */
  createHasCreator: boolean
  /** v11: `redacts` lives in the content. */
  redactsInContent: boolean
  /** v11: the redaction algorithm that keeps create whole, `invite` of power levels and drops legacy keys. */
  modernRedaction: boolean
  /** v11: the type and the state key of an event have 255 bytes; before, some servers took 255 code points. */
  limitsBytes: boolean
  /** v12: the create event has no `room_id`, is not among auth_events, and its hash is the room's id. */
  roomIdIsCreateHash: boolean
  /** v12: the sender of the create event and `additional_creators` stand above every power level. */
  privilegedCreators: boolean
  /** v12: state resolution v2.1. */
  resolvesFromEmpty: boolean
  /** MSC3757: users own the state keys that begin with their id; a user with more power may set them too. */
  ownedStateKeys: boolean
}

/** The oldest version here: the first whose event ids are hashes. */
const V3: RoomVersionRules = {
  version: '3',
  urlSafeEventIds: false,
  enforcesKeyValidity: false,
  strictJson: false,
  aliasesRule: true,
  checksNotificationLevels: false,
  knock: false,
  restricted: false,
  redactionKeepsVoucher: false,
  knockRestricted: false,
  integerPowerLevels: false,
  createHasCreator: true,
  redactsInContent: false,
  modernRedaction: false,
  limitsBytes: false,
  roomIdIsCreateHash: false,
  privilegedCreators: false,
  resolvesFromEmpty: false,
  ownedStateKeys: false,
}

/** What each version changes of the one before it. */
const CHANGES: readonly (Partial<RoomVersionRules> & { version: string })[] = [
  { version: '4', urlSafeEventIds: true },
  { version: '5', enforcesKeyValidity: true },
  { version: '6', strictJson: true, aliasesRule: false, checksNotificationLevels: true },
  { version: '7', knock: true },
  { version: '8', restricted: true },
  { version: '9', redactionKeepsVoucher: true },
  { version: '10', knockRestricted: true, integerPowerLevels: true },
  {
    version: '11',
    createHasCreator: false,
    redactsInContent: true,
    modernRedaction: true,
    limitsBytes: true,
  },
  { version: '12', roomIdIsCreateHash: true, privilegedCreators: true, resolvesFromEmpty: true },
]

const STABLE = [V3, ...successors(V3, CHANGES)]

/** Versions of proposals: a stable one with a change. */
const UNSTABLE = ['10', '11'].flatMap((base) =>
  STABLE.filter(({ version }) => version === base).map((rules) => ({
    ...rules,
    version: `org.matrix.msc3757.${base}`,
    ownedStateKeys: true,
  })),
)

const VERSIONS: ReadonlyMap<string, RoomVersionRules> = new Map(
  [...STABLE, ...UNSTABLE].map((rules) => [rules.version, rules]),
)

function* successors(first: RoomVersionRules, changes: typeof CHANGES): Generator<RoomVersionRules> {
  let last = first
  for (const change of changes) {
    last = { ...last, ...change }
    yield last
  }
}

const nameOf = ({ version }: RoomVersionRules) => version

export const SUPPORTED_ROOM_VERSIONS: readonly string[] = STABLE.map(nameOf)

/** Rooms of these versions are made on request, never by default. */
export const UNSTABLE_ROOM_VERSIONS: readonly string[] = UNSTABLE.map(nameOf)

/** The rules of a version, or undefined for one this server does not know. */
export function roomVersion(version: string): RoomVersionRules | undefined {
  return VERSIONS.get(version)
}
