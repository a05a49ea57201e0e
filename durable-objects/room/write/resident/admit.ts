/** Takes the member event of another server's user, which that server made of a template of this one. */
import type { AdmitRequest, Admitted } from '../../../../src/objects/room/for-servers.ts'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import { type Pdu, STRIPPED_TYPES } from '../../../../src/protocol/events/event.ts'
import { serverNameOf } from '../../../../src/protocol/identifiers.ts'
import type { RoomWriter } from '../../context.ts'
import { pduText } from '../../read/federation/server-viewer.ts'
import { FLAGS } from '../../rows/events/flags.ts'
import { judgedEvent } from '../../rows/events/judged-events.ts'
import { relay } from '../../rows/federation/apart.ts'
import { joinedServers } from '../../rows/federation/servers.ts'
import { receive } from '../receive/receive.ts'
import { requireResident } from './template.ts'

/**
 * Places the event, inside the caller's transaction, or changes nothing. The same event again has the same answer.
 * @throws MatrixError M_NOT_FOUND where no user here is in the room; M_INVALID_PARAM where it is another event than its
 * path says; M_FORBIDDEN by the room's rules; M_BAD_STATE where it follows on events that are not here
 */
export function admit(room: RoomWriter, { origin, membership, event }: AdmitRequest): Admitted {
  requireResident(room, origin)
  requireMembership(room, JSON.parse(event.json) as Pdu, { origin, membership })
  const { done } = receive(room, { origin, events: [event] })
  const { store } = room
  const error = done[event.eventId]?.error
  if (error !== undefined) throw new MatrixError('M_FORBIDDEN', error)
  const row = judgedEvent(store.sql, event.eventId)
  if (row === undefined) {
    throw new MatrixError(
      'M_BAD_STATE',
      'The event follows on events that are not here, or no longer on all that are: ask for a new template',
    )
  }
  if (row.flags !== FLAGS.accepted) {
    throw new MatrixError('M_FORBIDDEN', 'The room as it is now does not let the user do this')
  }
  relay(room, row.pos)
  return {
    servers: membership === 'join' ? serversBefore(room, origin) : [],
    previewPdus: membership === 'knock' ? previewPdus(room) : [],
  }
}

/** "The servers active in the room … before the join": a server that only the new user is of was not. */
function serversBefore({ store, serverName }: RoomWriter, origin: string): string[] {
  const servers = joinedServers(store.sql)
  return [
    serverName,
    ...servers.filter(({ name, joined }) => name !== origin || joined > 1).map(({ name }) => name),
  ]
}

/** "Each event MUST be formatted according to the room's version", so that the user's server can check them. */
function previewPdus({ store }: RoomWriter): string[] {
  return STRIPPED_TYPES.map((type) => store.get(type, ''))
    .map((event) => event && judgedEvent(store.sql, event.eventId))
    .filter((row) => row !== undefined)
    .map((row) => pduText(row, store.rules))
}

function requireMembership(
  { store }: RoomWriter,
  { type, state_key: stateKey, sender, content, room_id: roomId }: Pdu,
  { origin, membership }: Pick<AdmitRequest, 'origin' | 'membership'>,
): void {
  const isIt =
    type === 'm.room.member' &&
    stateKey === sender &&
    serverNameOf(sender) === origin &&
    content.membership === membership &&
    roomId === store.roomId
  if (!isIt)
    throw new MatrixError(
      'M_INVALID_PARAM',
      `The event is no ${membership} of a user of ${origin} in this room`,
    )
}
