/** Power events and the reverse topological power ordering. Room Version 2 §State resolution. */
import { powerLevels } from '../auth/power-levels.ts'
import type { IdentifiedPdu } from '../events/event.ts'
import type { RoomVersionRules } from '../rooms/room-version.ts'
import { Heap } from './heap.ts'
import type { KnownEvents, StateEvent } from './source.ts'

const POWER_TYPES: ReadonlySet<string> = new Set([
  'm.room.create',
  'm.room.power_levels',
  'm.room.join_rules',
])
const POWER_MEMBERSHIPS: ReadonlySet<unknown> = new Set(['leave', 'ban'])

/** "A power event is a state event that is a potential to remove the ability of another user to do something." */
export function isPowerEvent({ pdu }: IdentifiedPdu): boolean {
  if (pdu.type === 'm.room.member') {
    return POWER_MEMBERSHIPS.has(pdu.content.membership) && pdu.sender !== pdu.state_key
  }
  return pdu.state_key === '' && POWER_TYPES.has(pdu.type)
}

interface Ranked {
  event: StateEvent
  /** The power level of the sender by the events that the event cites. */
  power: number
}

/**
 * The power events of the full conflicted set and what of the set they cite, directly or by others of it: an event
 * comes after those that it cites; else the sender with more power comes first, then the earlier event, then the lesser
 * id.
 */
export function powerOrder(
  rules: RoomVersionRules,
  conflicted: ReadonlyMap<string, StateEvent>,
  events: KnownEvents,
): StateEvent[] {
  const { waitsFor, citedBy } = graphOf(conflicted, events)
  const ready = new Heap<Ranked>(precedes)
  const enter = (event: StateEvent) => ready.push({ event, power: senderPower(rules, event, events) })
  for (const [eventId, count] of waitsFor) {
    const event = conflicted.get(eventId)
    if (count === 0 && event !== undefined) enter(event)
  }
  const sorted: StateEvent[] = []
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    sorted.push(next.event)
    for (const citing of citedBy.get(next.event.eventId) ?? []) {
      const left = (waitsFor.get(citing.eventId) ?? 0) - 1
      waitsFor.set(citing.eventId, left)
      if (left === 0) enter(citing)
    }
  }
  return sorted
}

interface Graph {
  /** How many events of the graph each event cites. */
  waitsFor: Map<string, number>
  citedBy: Map<string, StateEvent[]>
}

function graphOf(conflicted: ReadonlyMap<string, StateEvent>, events: KnownEvents): Graph {
  const waitsFor = new Map<string, number>()
  const citedBy = new Map<string, StateEvent[]>()
  const open = [...conflicted.values()].filter(isPowerEvent)
  for (let event = open.pop(); event !== undefined; event = open.pop()) {
    if (waitsFor.has(event.eventId)) continue
    const cited = new Set<StateEvent>()
    for (const { eventId } of events.citedBy(event)) {
      const inSet = conflicted.get(eventId)
      if (inSet !== undefined) cited.add(inSet)
    }
    waitsFor.set(event.eventId, cited.size)
    for (const parent of cited) {
      open.push(parent)
      const citing = citedBy.get(parent.eventId)
      if (citing === undefined) citedBy.set(parent.eventId, [event])
      else citing.push(event)
    }
  }
  return { waitsFor, citedBy }
}

function senderPower(rules: RoomVersionRules, event: StateEvent, events: KnownEvents): number {
  // The create event cites nothing, and speaks for itself.
  const create = event.pdu.type === 'm.room.create' ? event : events.cited(event, 'm.room.create')
  const state = {
    get: (type: string, stateKey: string) =>
      type === 'm.room.power_levels' && stateKey === '' ? events.cited(event, type) : create,
  }
  return powerLevels(rules, state, create).user(event.pdu.sender)
}

function precedes(a: Ranked, b: Ranked): boolean {
  if (a.power !== b.power) return a.power > b.power
  return comesBefore(a.event, b.event)
}

/** "x's event_id is less than y's event_id", where they were sent in the same moment. */
export function comesBefore(a: IdentifiedPdu, b: IdentifiedPdu): boolean {
  const [timeA, timeB] = [a.pdu.origin_server_ts, b.pdu.origin_server_ts]
  return timeA === timeB ? a.eventId < b.eventId : timeA < timeB
}
