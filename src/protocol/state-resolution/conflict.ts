/** Where the states of a fork differ, found from what each side changed: the state that they share is never walked. */
import { type StateKey, StateKeyMap } from './state-keys.ts'

/** The state of one branch. */
export interface StateSide {
  /** The id of the event that holds the key on this side. */
  get(type: string, stateKey: string): string | undefined
  /** The keys at which this side may differ from another. Keys that do not differ only cost a look-up. */
  changed: Iterable<StateKey>
}

/** What a state group adds to its base: a new event for a key, or the end of the key. */
export interface StateDelta extends StateKey {
  eventId: string | undefined
}

export interface Conflict {
  /** The event that all sides share at a key; undefined where they differ, and where none has one. */
  shared(type: string, stateKey: string): string | undefined
  /** The keys at which the sides differ. */
  keys: readonly StateKey[]
  /** For each side, its events at those keys. A side without an event there has one less. */
  eventsBySide: readonly (readonly string[])[]
}

/**
 * A side that stands on a base with some changes.
 * @param movedBase keys at which the bases of the sides differ: those with an interval that begins or ends between them
 */
export function sideOfDeltas(
  base: StateSide['get'],
  deltas: readonly StateDelta[],
  movedBase: readonly StateKey[] = [],
): StateSide {
  const changes = new StateKeyMap<string | undefined>()
  for (const { type, stateKey, eventId } of deltas) changes.set(type, stateKey, eventId)
  return {
    get: (type, stateKey) =>
      changes.has(type, stateKey) ? changes.get(type, stateKey) : base(type, stateKey),
    changed: [...deltas, ...movedBase],
  }
}

/**
 * The conflicted state set. A key that one side has and another lacks is conflicted too: the specification's
 * unconflicted state map holds the keys that have one value in every state.
 */
export function conflictOf(sides: readonly StateSide[]): Conflict {
  const differs = new StateKeyMap<boolean>()
  const keys: StateKey[] = []
  const eventsBySide: string[][] = sides.map(() => [])
  for (const { changed } of sides) {
    for (const { type, stateKey } of changed) {
      if (differs.has(type, stateKey)) continue
      const events = sides.map((side) => side.get(type, stateKey))
      const conflicted = events.some((eventId) => eventId !== events[0])
      differs.set(type, stateKey, conflicted)
      if (!conflicted) continue
      keys.push({ type, stateKey })
      for (const [index, eventId] of events.entries()) {
        if (eventId !== undefined) eventsBySide[index]?.push(eventId)
      }
    }
  }
  return {
    keys,
    eventsBySide,
    shared: (type, stateKey) =>
      differs.get(type, stateKey) === true ? undefined : sides[0]?.get(type, stateKey),
  }
}
