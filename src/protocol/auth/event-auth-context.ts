/** What every authorisation rule looks at, and how a rule says no. */
import { AuthRejection } from '../errors.ts'
import type { IdentifiedPdu, Pdu, StateMap } from '../events/event.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'
import type { PowerLevels } from './power-levels.ts'

export interface AuthContext {
  rules: RoomVersionRules
  /** The event being authorised. */
  event: Pdu
  /** The room's state before the event. */
  state: StateMap
  /** The room's create event. */
  create: IdentifiedPdu
  levels: PowerLevels
  /** Whether a signature of the event's third-party invite was found good beforehand. */
  thirdPartyInviteVerified: boolean
}

/** @throws AuthRejection with the rule's sentence unless the rule's condition holds */
export function rejectUnless(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new AuthRejection(sentence)
}
