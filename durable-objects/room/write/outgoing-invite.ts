/**
 * Invites of users of other servers. Their server signs the invite before it is an event of the room, and a Room never calls
 * the network: so it is built here, taken there by a Worker, and appended after that.
 */
import type { PreparedInvite, ReceivedEvent } from '../../../src/objects/room/federation.ts'
import type { MembershipRequest } from '../../../src/objects/room/send.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { buildEvent } from '../../../src/protocol/events/event-builder.ts'
import { checkEventSize } from '../../../src/protocol/events/event-format.ts'
import type { RoomContext, RoomWriter } from '../context.ts'
import { FLAGS } from '../rows/events/flags.ts'
import { flagsOf, judgedEvent } from '../rows/events/judged-events.ts'
import { allowedChange } from './membership.ts'
import { shownState } from './place.ts'
import { Pool } from './receive/pool.ts'
import { Settler } from './receive/settler.ts'

/**
 * The invite as it would be an event of the room now, and what its receiver may see of the room. Undefined where the user is
 * invited already. Nothing is written.
 * @throws MatrixError as `changeMembership`
 */
export function prepareInvite(room: RoomContext, request: MembershipRequest): PreparedInvite | undefined {
  const allowed = allowedChange(room, request)
  if (allowed === undefined) return undefined
  const { store, serverName, facts } = room
  const { eventId, pdu, json } = buildEvent(store.rules, allowed.draft, serverName, facts.signingKey)
  checkEventSize(json, pdu, [eventId, store.roomId])
  const state = shownState(room, request.sender)
  // As they are stored: numbers of old rooms are lost in a PDU that was read.
  const inviteState = state.map((shown) => judgedEvent(store.sql, shown.eventId)!.pdu.trimEnd())
  return { eventId, json, roomVersion: store.rules.version, inviteState }
}

/**
 * Appends an invite that its receiver's server has signed, inside the caller's transaction. The room may have moved on since
 * the invite was built: then it stands beside what came meanwhile.
 * @throws MatrixError M_FORBIDDEN where the room no longer lets the inviter invite
 */
export function appendInvite(room: RoomWriter, invite: ReceivedEvent): void {
  const { sql } = room.store
  const { sender } = JSON.parse(invite.json) as Pdu
  const pool = new Pool()
  pool.add([invite], room.serverName, true)
  if (!room.isLocal(sender))
    throw new MatrixError('M_FORBIDDEN', 'The invite is not of a user of this server')
  const settler = new Settler(room, pool, {}, { isBounded: false })
  for (const event of pool.all) settler.settle(event)
  settler.merge.settle()
  if (flagsOf(sql, [invite.eventId]).get(invite.eventId) === FLAGS.accepted) return
  const error = settler.done.get(invite.eventId)?.error ?? 'the room has changed meanwhile'
  throw new MatrixError('M_FORBIDDEN', `The room does not take the invite: ${error}`)
}
