/** The user that a request speaks for, the devices behind it, and how the account stands. */

/** The user that a request speaks for. */
export interface Session {
  userId: string
  deviceId: string
  sessionId: string
  /** The account is a guest's, and may do little. */
  guest?: boolean
}

export interface Device {
  device_id: string
  display_name?: string
  /** Null: not known. */
  last_seen_ip: string | null
  last_seen_ts: number | null
}

/** What another system says of a user's name and picture. */
export interface FirstProfile {
  fields: { displayname?: string; avatar_url?: string }
  /** It says so each time, and not for the first session alone. */
  always: boolean
}

/** What administrators, or the user, did to an account. */
export interface AccountStanding {
  locked: boolean
  suspended: boolean
  deactivated: boolean
}
