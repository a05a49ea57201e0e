/** Presence of a user. */

/** Client-Server API §Presence. */
export type PresenceValue = 'online' | 'unavailable' | 'offline'

export interface PresenceState {
  userId: string
  presence: PresenceValue
  statusMsg?: string | undefined
  /** When they last did something, ms since the epoch. */
  lastActive?: number | undefined
  /** When it became so, ms since the epoch: the later of two states of a user is the one that holds. */
  since?: number | undefined
}

/** A state as a Room tells it. */
export interface PresenceNews {
  state: PresenceState
  /** The two have met in a room that one of them has joined: the state is news even if it was known. */
  met: boolean
}
