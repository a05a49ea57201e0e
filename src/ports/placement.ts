/** Where the objects live, which the first deployment fixes. */

/** The jurisdictions that Cloudflare keeps objects in. */
export const JURISDICTIONS = ['eu', 'us', 'fedramp', 'fedramp-high'] as const

/** The places near which Cloudflare can make objects. */
export const LOCATION_HINTS = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'] as const

export interface Placement {
  /** Undefined: anywhere. */
  jurisdiction?: (typeof JURISDICTIONS)[number]
  /** Undefined: near the first caller. */
  locationHint?: (typeof LOCATION_HINTS)[number]
}

/** A placement as it is kept: empty texts for what is not set. */
export interface KeptPlacement {
  jurisdiction: string
  locationHint: string
}

/** What the server's data say of where its objects are. */
export interface PlacementRecord {
  /** What was fixed; if nothing was, this is from now on. */
  fix(placement: KeptPlacement): Promise<KeptPlacement>
}

/** A copy of the record, so that a Worker that starts does not wake the database. */
export interface PlacementCopy {
  get(): Promise<KeptPlacement | undefined>
  put(placement: KeptPlacement): Promise<void>
}

export interface PlacementCheck {
  /**
   * Undefined once the settings are known to be those that the objects were made by.
   * @throws MatrixError 503 where they are others
   */
  confirm(): Promise<void> | undefined
}
