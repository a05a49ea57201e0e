/** Presence of a user. */

/** Client-Server API §Presence. */
export type PresenceValue = 'online' | 'unavailable' | 'offline'

export interface PresenceState {
  userId: string
  presence: PresenceValue
  statusMsg?: string | undefined
  /** When they last did something, ms since the epoch. */
  lastActive?: number | undefined
}
