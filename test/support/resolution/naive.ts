/** What the chain cover must say, worked out by walking the auth events one by one. */
import type { ResolutionSource } from '../../../src/protocol/state-resolution/source.ts'
import type { StateIds } from './dag.ts'

export class NaiveChains {
  readonly #source: Pick<ResolutionSource, 'event'>
  readonly #chains = new Map<string, ReadonlySet<string>>()

  constructor(source: Pick<ResolutionSource, 'event'>) {
    this.#source = source
  }

  /** The auth chain of an event, and the event. */
  of(eventId: string): ReadonlySet<string> {
    const known = this.#chains.get(eventId)
    if (known !== undefined) return known
    const chain = new Set([eventId])
    for (const cited of this.#source.event(eventId)?.pdu.auth_events ?? []) {
      for (const reached of this.of(cited)) chain.add(reached)
    }
    this.#chains.set(eventId, chain)
    return chain
  }

  /** What is in the chains of some states and not of all. */
  difference(states: readonly StateIds[]): Set<string> {
    const chains = states.map((state) => new Set([...state.values()].flatMap((id) => [...this.of(id)])))
    const all = new Set(chains.flatMap((chain) => [...chain]))
    return new Set([...all].filter((id) => !chains.every((chain) => chain.has(id))))
  }

  /** What is in the chain of one of the events and has one of them in its own. */
  subgraph(conflicted: ReadonlySet<string>): Set<string> {
    const below = new Set([...conflicted].flatMap((id) => [...this.of(id)]))
    return new Set([...below].filter((id) => [...this.of(id)].some((reached) => conflicted.has(reached))))
  }
}

/** The keys at which the states differ, with all events there. */
export function conflictedEvents(states: readonly StateIds[]): Set<string> {
  const keys = new Set(states.flatMap((state) => [...state.keys()]))
  const conflicted = new Set<string>()
  for (const key of keys) {
    const events = states.map((state) => state.get(key))
    if (events.every((eventId) => eventId === events[0])) continue
    for (const eventId of events) if (eventId !== undefined) conflicted.add(eventId)
  }
  return conflicted
}
