/** The authorisation rules as a verdict, for events that were made elsewhere. */
import { AuthRejection } from '../errors.ts'
import type { Pdu, StateMap } from '../events/event.ts'
import { objectField, stringField } from '../json-fields.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'
import { checkEventAuth } from './event-auth.ts'
import { isThirdPartyInviteSigned } from './third-party-signature.ts'

/**
 * The sentence of the rule that refuses an event in a state; undefined: it is allowed. The signature of a third-party
 * invite is checked against the offer that stands in this state, since another one may stand in another.
 */
export function refusalIn(rules: RoomVersionRules, pdu: Pdu, state: StateMap): string | undefined {
  return refusalOf(() => {
    const signed = objectField(objectField(pdu.content.third_party_invite)?.signed)
    const token = stringField(signed?.token)
    const offer = token === undefined ? undefined : state.get('m.room.third_party_invite', token)
    const thirdPartyInviteVerified =
      signed !== undefined && offer !== undefined && isThirdPartyInviteSigned(signed, offer.pdu.content)
    checkEventAuth(rules, pdu, state, { thirdPartyInviteVerified })
  })
}

/** The sentence by which a check refuses; undefined: it passes. */
export function refusalOf(check: () => void): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (error instanceof AuthRejection) return error.message
    throw error
  }
}
