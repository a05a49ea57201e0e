/** Push Gateway API §/notify: what a gateway is told of an event. */
import type { Pusher } from '../objects/user/settings.ts'
import type { JsonObject } from '../protocol/events/canonical-json.ts'
import type { PushEvent, PushVerdict } from '../protocol/push/push-evaluator.ts'

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
  const device = { ...deviceOf(pusher, setTs), tweaks: tweaksOf(verdict) }
  return {
    event_id: event.event_id,
    room_id: event.room_id,
    prio: isUrgent(subject) ? 'high' : 'low',
    devices: [device],
    ...(pusher.data.format === 'event_id_only' ? {} : details(subject)),
  }
}

function deviceOf(pusher: Pusher, setTs: number) {
  const { url: _, ...data } = pusher.data
  return {
    app_id: pusher.app_id,
    pushkey: pusher.pushkey,
    // In seconds.
    pushkey_ts: Math.floor(setTs / 1_000),
    data,
  }
}

/** MSC3881: a pusher that is switched off stays in the list, and is told nothing. */
export function isEnabled(pusher: Pusher): boolean {
  return pusher['org.matrix.msc3881.enabled'] !== false
}

/** The number on the device alone, where it has fallen: a higher one comes with its event. */
export function badgeFor(pusher: Pusher, setTs: number, unread: number): JsonObject {
  return { prio: 'low', counts: { unread }, devices: [{ ...deviceOf(pusher, setTs), tweaks: {} }] }
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
    // Under its older name: some gateways and clients know no other.
    id: event.event_id,
    type: event.type,
    sender: event.sender,
    content: event.content,
    ...(roomName !== undefined && { room_name: roomName }),
    ...(senderName !== undefined && { sender_display_name: senderName }),
    ...(event.type === 'm.room.member' && { user_is_target: event.state_key === userId }),
  }
}
