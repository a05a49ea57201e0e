/** What an event shows to one request alone: both objects hand events to clients. */
import type { TimelineEvent } from '../src/objects/room/sync.ts'
import type { Session } from '../src/objects/user/session.ts'
import type { JsonObject } from '../src/protocol/events/canonical-json.ts'
import type { ClientEvent } from '../src/protocol/events/event.ts'

/**
 * An event for one request: its age (ms) at this moment, and the transaction id if this very device sent it
 * (Client-Server API §Transaction identifiers). Where the Room has not said what membership the viewer had, the event
 * came by an increment, and those go to joined members alone.
 */
export function forViewer(
  { event, txn, delayId }: TimelineEvent,
  viewer: Pick<Session, 'userId' | 'deviceId'>,
  now: number,
  roomId?: string,
): ClientEvent {
  const unsigned: JsonObject = {
    membership: 'join',
    ...event.unsigned,
    age: Math.max(0, now - event.origin_server_ts),
  }
  if (txn !== undefined && event.sender === viewer.userId && txn.deviceId === viewer.deviceId) {
    unsigned.transaction_id = txn.txnId
  }
  if (delayId !== undefined && event.sender === viewer.userId) {
    unsigned['org.matrix.msc4140.delay_id'] = delayId
  }
  return roomId === undefined ? { ...event, unsigned } : { ...event, room_id: roomId, unsigned }
}
