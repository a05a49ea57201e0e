/** What the client of a connection was told of other users' profiles (MSC4262), and what it is still owed. */

/** What is to be told of one user. */
export interface OwedProfile {
  /** All fields that are asked for, as far as the user has them. */
  whole: boolean
  /** Fields that have changed, and may be gone. */
  changed: ReadonlySet<string>
}

export interface SentProfiles {
  /** The fields that were asked for; undefined: all. */
  fields: readonly string[] | undefined
  /** Users of which the client has all of these fields. */
  whole: ReadonlySet<string>
  /** Users that were not reached, or did not fit into the answer. */
  owed: ReadonlyMap<string, OwedProfile>
}

/** Users that are remembered; of those before them the client is told again when they come with a room. */
export const MOST_WHOLE = 1_000
/** Users that are owed: more are left out, as MSC4262 allows. */
export const MOST_OWED = 1_000

export function noProfiles(fields: SentProfiles['fields']): SentProfiles {
  return { fields, whole: new Set(), owed: new Map() }
}

/** Whether a client that was told of some fields has all those that it asks for now. */
export function hasFields(had: SentProfiles['fields'], asked: SentProfiles['fields']): boolean {
  return had === undefined || asked?.every((field) => had.includes(field)) === true
}

/** As it is stored. */
export interface StoredProfiles {
  fields?: string[]
  whole: string[]
  owed: [userId: string, whole: 0 | 1, ...changed: string[]][]
}

export function storedProfiles({ fields, whole, owed }: SentProfiles): StoredProfiles {
  return {
    ...(fields !== undefined && { fields: [...fields] }),
    whole: [...whole],
    owed: [...owed].map(([userId, one]) => [userId, one.whole ? 1 : 0, ...one.changed]),
  }
}

export function profilesFrom({ fields, whole, owed }: StoredProfiles): SentProfiles {
  const entries = owed.map(
    ([userId, isWhole, ...changed]) => [userId, { whole: isWhole === 1, changed: new Set(changed) }] as const,
  )
  return { fields, whole: new Set(whole), owed: new Map(entries) }
}
