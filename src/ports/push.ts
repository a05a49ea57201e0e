/** What push gateways are told, and what a Room tells the objects of members with pushers. */
import type { JsonObject } from '../protocol/events/canonical-json.ts'
import type { PushFacts, TimelineEvent } from './room-sync.ts'

export interface PushGateway {
  /**
   * Hands a notification to a gateway. Answers the pushkeys that it refuses for good.
   * @throws when the gateway cannot be reached or has not taken the notification
   */
  notify(url: string, notification: JsonObject): Promise<string[]>
}

/** New events of a room that a member may have to be told of: at least once. */
export interface PushNews {
  roomId: string
  roomName?: string
  /** The member's own name in the room. */
  displayName?: string
  events: TimelineEvent[]
  facts: PushFacts
  /** The names of the events' senders, where they have any. */
  senderNames: Record<string, string>
}
