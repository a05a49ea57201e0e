/** A user's new profile in the member event of a room they are joined to. */

import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { Profile } from '../../../src/protocol/profile.ts'
import { withProfile } from '../../../src/protocol/profile.ts'
import type { RoomWriter } from '../context.ts'
import { markProfile } from '../rows/members/profile-marks.ts'
import type { LocalEvent } from './local-event.ts'
import { appendLocal, unchangedState } from './pipeline.ts'

/**
 * Shows the profile, inside the caller's transaction. Does nothing if the user has left. One that is shown so already
 * makes no event, but what has changed of the profile is marked all the same.
 */
export function updateProfile(
  room: RoomWriter,
  userId: string,
  profile: Profile,
  fields: readonly string[] = [],
): void {
  const current = room.store.get('m.room.member', userId)
  if (current?.pdu.content.membership !== 'join') return
  const event: LocalEvent = {
    sender: userId,
    type: 'm.room.member',
    stateKey: userId,
    content: withProfile(current.pdu.content, profile as JsonObject),
    unattended: true,
  }
  if (unchangedState(room, event) === undefined) appendLocal(room, event)
  markProfile(room, userId, fields)
}
