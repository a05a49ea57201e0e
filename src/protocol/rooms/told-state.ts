/** Stripped state that another server tells of a room, for an invited or knocking user. */
import { Buffer } from 'node:buffer'
import type { JsonValue } from '../events/canonical-json.ts'
import type { StrippedEvent } from '../events/event.ts'
import { MAX_EVENT_BYTES } from '../events/event-format.ts'
import { fitsBytes, isUserId, MAX_ID_BYTES } from '../identifiers.ts'
import { objectField } from '../json-fields.ts'

/** Each is kept with the user's list of rooms, and shown in each initial sync. */
const MOST_EVENTS = 30
const MOST_BYTES = 2 * MAX_EVENT_BYTES

/**
 * What of it a client is shown: the four keys of stripped state, of one event for each place. Events beyond a bound are left
 * out, the last ones first.
 */
export function toldState(events: readonly JsonValue[]): StrippedEvent[] {
  const told = new Map<string, StrippedEvent>()
  let left = MOST_BYTES
  for (const value of events) {
    const event = strippedIn(value)
    if (event === undefined) continue
    const place = JSON.stringify([event.type, event.state_key])
    const length = Buffer.byteLength(JSON.stringify(event))
    if (told.size === MOST_EVENTS || length > left || told.has(place)) continue
    left -= length
    told.set(place, event)
  }
  return [...told.values()]
}

function strippedIn(value: JsonValue): StrippedEvent | undefined {
  const { type, state_key: stateKey, sender, content } = objectField(value) ?? {}
  const isStripped = isShort(type) && isShort(stateKey) && typeof sender === 'string' && isUserId(sender)
  const kept = objectField(content)
  return isStripped && kept !== undefined ? { type, state_key: stateKey, sender, content: kept } : undefined
}

function isShort(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && fitsBytes(value, MAX_ID_BYTES)
}
