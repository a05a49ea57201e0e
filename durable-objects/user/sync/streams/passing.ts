/** What passes in a room without being one of its events, as a viewer is shown it. */
import type { RoomSlice } from '../../../../src/objects/room/sync.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { RoomPart } from './stream.ts'

export type PassingEvent = JsonObject & { type: string; content: JsonObject }

export interface PassingPart extends RoomPart {
  /** The event for a viewer, without the users that the viewer ignores; undefined: there is none. */
  shown(slice: RoomSlice, ignored: ReadonlySet<string> | undefined): PassingEvent | undefined
}
