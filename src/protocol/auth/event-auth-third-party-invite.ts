/** The authorisation rules for an invite that redeems one to an e-mail address or a telephone number. */

import { objectField, stringField } from '../json-fields.ts'
import type { Membership } from '../rooms/membership.ts'
import { type AuthContext, rejectUnless } from './event-auth-context.ts'

/**
 * Takes the place of the ordinary rules of invites: the sender need not be in the room any more.
 *
 * @throws AuthRejection with the sentence of the rule that refuses
 */
export function checkThirdPartyInvite(context: AuthContext, targetIs: Membership | undefined): void {
  const { event, state } = context
  rejectUnless(targetIs !== 'ban', 'the user is banned')
  const signed = objectField(objectField(event.content.third_party_invite)?.signed)
  rejectUnless(signed !== undefined, 'the third-party invite has no signed part')
  const mxid = stringField(signed.mxid)
  const token = stringField(signed.token)
  rejectUnless(mxid !== undefined && token !== undefined, 'the third-party invite lacks mxid or token')
  rejectUnless(mxid === event.state_key, 'the third-party invite is for another user')
  const offer = state.get('m.room.third_party_invite', token)
  rejectUnless(offer !== undefined, 'the room has no third-party invite with this token')
  rejectUnless(offer.pdu.sender === event.sender, 'the third-party invite was made by another user')
  rejectUnless(
    context.thirdPartyInviteVerified,
    'no signature of the third-party invite matches its public keys',
  )
}
