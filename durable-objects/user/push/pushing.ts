/** Which events the user's pushers are told of: what their rules notify of, from people they do not ignore. */
import type { PushNews } from '../../../src/objects/user/settings.ts'
import type { MembershipChange } from '../../../src/objects/user/sync.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { integerField } from '../../../src/protocol/json-fields.ts'
import { evaluatePush, type PushContext } from '../../../src/protocol/push/push-evaluator.ts'
import type { PushSubject } from '../../../src/push/notification.ts'

/** Client-Server API §m.room.power_levels: what a notification needs where nothing is said. */
const DEFAULT_NOTIFICATION_LEVEL = 50

export interface PushReader {
  userId: string
  ruleset: JsonObject
  ignored: ReadonlySet<string>
}

/** What a Room's news take back: room versions differ in where they say so. */
export function redactedBy({ events }: PushNews): string[] {
  return events
    .filter(({ event }) => event.type === 'm.room.redaction')
    .map(({ event }) => event.redacts ?? event.content.redacts)
    .filter((eventId) => typeof eventId === 'string')
}

/** What the user is told of a Room's news. */
export function pushSubjects(reader: PushReader, news: PushNews): PushSubject[] {
  const { facts, roomId, roomName, displayName } = news
  return news.events.flatMap(({ event, pos }) => {
    if (facts.redacted.includes(pos)) return []
    const level = facts.levels[event.sender] ?? 0
    const mayNotify = (key: string) =>
      level >= (integerField(facts.notifications[key]) ?? DEFAULT_NOTIFICATION_LEVEL)
    const subject = { ...event, room_id: roomId } as unknown as PushSubject['event']
    const context = { displayName, joined: facts.joined, mayNotify }
    return judged(reader, subject, context, { roomName, senderName: news.senderNames[event.sender] })
  })
}

/** An invite, which the user's own member event tells of. */
export function inviteSubjects(reader: PushReader, change: MembershipChange): PushSubject[] {
  const { strippedState = [], eventId, roomId } = change
  const member = strippedState.find(
    ({ type, state_key }) => type === 'm.room.member' && state_key === reader.userId,
  )
  if (change.membership !== 'invite' || change.unchanged || member === undefined) return []
  const name = strippedState.find(({ type }) => type === 'm.room.name')?.content.name
  const event = { ...member, event_id: eventId, room_id: roomId } as unknown as PushSubject['event']
  const roomName = typeof name === 'string' ? name : undefined
  return judged(reader, event, { joined: 0, mayNotify: () => false }, { roomName })
}

function judged(
  { userId, ruleset, ignored }: PushReader,
  event: PushSubject['event'],
  context: Omit<PushContext, 'userId'>,
  names: Pick<PushSubject, 'roomName' | 'senderName'>,
): PushSubject[] {
  if (ignored.has(event.sender)) return []
  const verdict = evaluatePush(ruleset, event, { userId, ...context })
  return verdict.notify ? [{ event, verdict, userId, ...names }] : []
}
