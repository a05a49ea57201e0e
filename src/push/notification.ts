/** Push Gateway API §/notify: what a gateway is told of an event. */
import type { Pusher } from '../ports.ts'
import type { JsonObject } from '../protocol/canonical-json.ts'
import type { PushEvent, PushVerdict } from '../protocol/push-evaluator.ts'

/** An event with what a notification says around it. */
export interface PushSubject {
  event: PushEvent & { event_id: string }
  verdict: PushVerdict
  roomName?: string | undefined
  senderName?: string | undefined
  userId: string
}

/** @param setTs when the pushkey was last set, ms */
export function notificationFor(pusher: Pusher, setTs: number, subject: PushSubject): JsonObject {
  const { event, verdict } = subject
  const { url: _, ...data } = pusher.data
  const device = {
    app_id: pusher.app_id,
    pushkey: pusher.pushkey,
    // In seconds.
    pushkey_ts: Math.floor(setTs / 1_000),
    data,
    tweaks: tweaksOf(verdict),
  }
  return {
    event_id: event.event_id,
    room_id: event.room_id,
    prio: isUrgent(subject) ? 'high' : 'low',
    devices: [device],
    ...(data.format === 'event_id_only' ? {} : details(subject)),
  }
}

/** What cannot be judged before it is decrypted may be urgent. */
function isUrgent({ event, verdict }: PushSubject): boolean {
  return verdict.highlight || verdict.sound !== undefined || event.type === 'm.room.encrypted'
}

function tweaksOf({ highlight, sound }: PushVerdict): JsonObject {
  return { ...(highlight && { highlight: true }), ...(sound !== undefined && { sound }) }
}

function details({ event, roomName, senderName, userId }: PushSubject): JsonObject {
  return {
    type: event.type,
    sender: event.sender,
    content: event.content,
    ...(roomName !== undefined && { room_name: roomName }),
    ...(senderName !== undefined && { sender_display_name: senderName }),
    ...(event.type === 'm.room.member' && { user_is_target: event.state_key === userId }),
  }
}
