/** Mainline ordering: by how recent the power levels are that an event relied on. Room Version 2 §State resolution. */
import { isInAuthChain } from './auth-chains.ts'
import { comesBefore } from './power-order.ts'
import type { KnownEvents, StateEvent } from './source.ts'

const POWER_LEVELS = 'm.room.power_levels'

/** Further back than any power levels of the mainline: of an event that relied on none of them. */
const BEFORE_ALL = Number.POSITIVE_INFINITY

/**
 * The mainline of power levels: they, the power levels that they cite, and so on. It is read only as far back as
 * somebody asks for, so that the history of a room's power levels is not.
 */
class Mainline {
  readonly #events: KnownEvents
  /** By event id, how far back: 0 are the power levels that the mainline starts with. */
  readonly #positions = new Map<string, number>()
  #oldest: StateEvent | undefined
  #isComplete: boolean

  constructor(powerLevels: StateEvent | undefined, events: KnownEvents) {
    this.#events = events
    this.#oldest = powerLevels
    this.#isComplete = powerLevels === undefined
    if (powerLevels !== undefined) this.#positions.set(powerLevels.eventId, 0)
  }

  /** The position of the closest mainline ancestor of an event. */
  closestTo(event: StateEvent): number {
    const isPowerLevels = event.pdu.type === POWER_LEVELS && event.pdu.state_key === ''
    let at = isPowerLevels ? event : this.#events.cited(event, POWER_LEVELS)
    const passed: StateEvent[] = []
    let position = BEFORE_ALL
    while (at !== undefined) {
      const known = this.#positionOf(at)
      if (known !== undefined) {
        position = known
        break
      }
      passed.push(at)
      at = this.#events.cited(at, POWER_LEVELS)
    }
    // Others that rely on the same power levels beside the mainline need not walk back again.
    for (const { eventId } of passed) this.#positions.set(eventId, position)
    return position
  }

  #positionOf(event: StateEvent): number | undefined {
    // What the oldest has not in its auth chain does not stand further back on the mainline.
    while (
      !this.#isComplete &&
      this.#oldest !== undefined &&
      !this.#positions.has(event.eventId) &&
      isInAuthChain(this.#events.chains, event.eventId, this.#oldest.eventId)
    ) {
      this.#extend(this.#oldest)
    }
    return this.#positions.get(event.eventId)
  }

  #extend(oldest: StateEvent): void {
    const next = this.#events.cited(oldest, POWER_LEVELS)
    const position = this.#positions.get(oldest.eventId)
    if (next === undefined || position === undefined) {
      this.#isComplete = true
      return
    }
    this.#positions.set(next.eventId, position + 1)
    this.#oldest = next
  }
}

/**
 * Sorts by the mainline of the power levels that the power events have led to: what relied on older ones comes first,
 * then the earlier event, then the lesser id.
 */
export function mainlineOrder(
  unsorted: Iterable<StateEvent>,
  powerLevels: StateEvent | undefined,
  events: KnownEvents,
): StateEvent[] {
  const mainline = new Mainline(powerLevels, events)
  const ranked = [...unsorted].map((event) => ({ event, position: mainline.closestTo(event) }))
  ranked.sort((a, b) => {
    if (a.position !== b.position) return a.position > b.position ? -1 : 1
    return comesBefore(a.event, b.event) ? -1 : 1
  })
  return ranked.map(({ event }) => event)
}
