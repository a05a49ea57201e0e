/** Client-Server API §Spaces: which children a space has, and in which order. */
import type { JsonObject } from '../events/canonical-json.ts'
import type { Pdu } from '../events/event.ts'

export const SPACE_TYPE = 'm.space'
export const SPACE_CHILD = 'm.space.child'

/** A stripped state event with the time that orders children of the same rank. */
export interface SpaceChild {
  type: string
  state_key: string
  sender: string
  content: JsonObject
  origin_server_ts: number
}

/** "…a string of at most 50 characters, in the range \x20 to \x7E": anything else counts as absent. */
const ORDER = /^[\x20-\x7e]{0,50}$/

/** The children among `m.space.child` events, in order. One without servers in `via` was taken out of the space. */
export function spaceChildren(events: readonly Pdu[]): SpaceChild[] {
  return events.filter(isChild).map(child).sort(byOrder)
}

/** Whether the space recommends this child. */
export function isSuggested({ content }: SpaceChild): boolean {
  return content.suggested === true
}

/** Whether an event names a child of its space. */
export function isChild({ type, content }: Pick<Pdu, 'type' | 'content'>): boolean {
  return type === SPACE_CHILD && Array.isArray(content.via) && content.via.length > 0
}

function child({ type, state_key, sender, content, origin_server_ts }: Pdu): SpaceChild {
  return { type, state_key: state_key ?? '', sender, content, origin_server_ts }
}

/** By `order`, those without one last; then by time; then by room id. */
function byOrder(a: SpaceChild, b: SpaceChild): number {
  const [orderA, orderB] = [orderOf(a), orderOf(b)]
  if (orderA !== orderB) {
    if (orderA === undefined) return 1
    return orderB === undefined || orderA < orderB ? -1 : 1
  }
  if (a.origin_server_ts !== b.origin_server_ts) return a.origin_server_ts - b.origin_server_ts
  return a.state_key < b.state_key ? -1 : 1
}

function orderOf({ content: { order } }: SpaceChild): string | undefined {
  return typeof order === 'string' && ORDER.test(order) ? order : undefined
}
