/** What clients keep at their User object: push rules, pushers, followed threads. */

import type { JsonObject, JsonValue } from '../../protocol/events/canonical-json.ts'
import type { RuleKind } from '../../protocol/push/push-evaluator.ts'
import type { RuleBody, RulePlace } from '../../protocol/push/push-rule-edits.ts'
import type { PushFacts, TimelineEvent } from '../room/sync.ts'

/** A thread by its first event. */
export interface Thread {
  roomId: string
  rootId: string
}

/** How a user follows a thread (MSC4306): a client did it on its own, or the user wished it. */
export interface ThreadSubscription {
  automatic: boolean
}

/** Threads that a user has begun or ceased to follow (MSC4308), by room and first event. */
export interface ThreadChanges {
  subscribed: Record<string, JsonObject>
  unsubscribed: Record<string, JsonObject>
  /** Where the page ended; absent: there is nothing before it. */
  end?: string
}

/** What a client changes about one of its push rules. */
export type PushRuleChange = { kind: RuleKind; ruleId: string } & (
  | { action: 'put'; rule: RuleBody; place: RulePlace }
  | { action: 'delete' }
  | { action: 'enable'; enabled: boolean }
  | { action: 'act'; actions: JsonValue[] }
)

/** Client-Server API §Push notifications: where a device wants to be told of events, as clients see it. */
export interface Pusher extends JsonObject {
  app_id: string
  pushkey: string
  kind: 'http'
  app_display_name: string
  device_display_name: string
  lang: string
  data: JsonObject & { url: string }
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
