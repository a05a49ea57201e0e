/** An event that this server makes, on its way through the pipeline. */
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { EventDraft } from '../../../src/protocol/events/event-builder.ts'

/** A local event before the room gives it its place. */
export interface LocalEvent {
  sender: string
  type: string
  stateKey?: string
  content: JsonObject
  redacts?: string
  /** See `txnKey`. */
  txn?: string
  /** The server makes it in the sender's name, so it is no sign that the sender has read what came before. */
  unattended?: true
  /** The client wrote numbers that are no integers as JSON knows them, such as `1.0`. */
  hasFloats?: boolean
  /** For a redaction: the sender administers this server, and so may redact what its users have sent. */
  asAdministrator?: boolean
}

/** A local event that may be sent now; nothing else becomes one of the room's events. */
export interface AllowedEvent {
  event: LocalEvent
  draft: EventDraft
}
