/** MSC4186 §Lists and subscriptions: what a client wants of a room, and what of a room's state that covers. */
import type { Filter } from '../matching/filter.ts'

/** An event type and a state key; `*` stands for all. */
export type StateElement = readonly [type: string, stateKey: string]

export const ANY = '*'
const MEMBER = 'm.room.member'
const LAZY = 'lazy'

/** One `required_state` of a request. */
export interface RequiredState {
  include: readonly StateElement[]
  exclude?: readonly StateElement[]
  /** Members come with what they send. */
  lazy?: true
}

export interface RoomConfig {
  /** Timeline events at most. */
  limit: number
  /** State that any of these asks for is wanted, "a superset of them all". */
  required: readonly RequiredState[]
}

/** A state event, as far as these rules look at it. */
interface Keyed {
  type: string
  state_key?: string
}

/** "A room that matches multiple rules": the larger limit, and the state of each. */
export function combine(one: RoomConfig | undefined, other: RoomConfig): RoomConfig {
  if (one === undefined) return other
  const known = new Set(one.required.map(keyOf))
  return {
    limit: Math.max(one.limit, other.limit),
    required: [...one.required, ...other.required.filter((required) => !known.has(keyOf(required)))],
  }
}

/** Names a `required_state`: equal ones have equal keys. */
export function keyOf(required: RequiredState): string {
  return JSON.stringify([required.include, required.exclude ?? [], required.lazy === true])
}

const elements = new WeakMap<RoomConfig, readonly string[]>()

/** Names each thing that a config asks for: a client that was given them all needs nothing more. */
export function elementsOf(config: RoomConfig): readonly string[] {
  const known = elements.get(config)
  if (known !== undefined) return known
  const all = config.required.flatMap(({ include, exclude = [], lazy }) => [
    ...include.map(([type, key]) => JSON.stringify([type, key, ...exclude])),
    ...(lazy ? [LAZY] : []),
  ])
  const made = [...new Set(all)]
  elements.set(config, made)
  return made
}

/** Whether an event is required by its type and key; members that come lazily are not. */
export function isRequired({ required }: RoomConfig, event: Keyed): boolean {
  return required.some(
    (one) => covers(one.include, event, one.lazy) && !covers(one.exclude ?? [], event, undefined),
  )
}

/** With `lazy`, an element for all types leaves members to lazy loading. */
function covers(elements: readonly StateElement[], event: Keyed, lazy: true | undefined): boolean {
  return elements.some(
    ([type, key]) =>
      (type === event.type || (type === ANY && !(lazy && event.type === MEMBER && key === ANY))) &&
      (key === event.state_key || key === ANY),
  )
}

/** Whether members come with what they send. */
export function isLazy({ required }: RoomConfig): boolean {
  return required.some(({ lazy }) => lazy === true)
}

/** The members that are named one by one. */
export function namedMembers({ required }: RoomConfig): string[] {
  const named = required
    .flatMap(({ include }) => include)
    .filter(([type, key]) => (type === MEMBER || type === ANY) && key.startsWith('@'))
    .map(([, key]) => key)
  return [...new Set(named)]
}

/** What the fields of a room are made of, whatever state is required: its name and picture, and its heroes. */
const FIELD_TYPES = ['m.room.name', 'm.room.avatar', MEMBER]

/** The same as a filter of `/sync`: at least what is required. */
export function filterOf(config: RoomConfig): Filter {
  const elements = config.required.flatMap(({ include }) => include)
  const types = elements.some(([type]) => type === ANY)
    ? undefined
    : [...new Set([...FIELD_TYPES, ...elements.map(([type]) => type)])]
  const wantsAllMembers = isRequired(config, { type: MEMBER, state_key: ANY })
  return {
    room: {
      timeline: { limit: config.limit },
      state: { ...(types !== undefined && { types }), lazy_load_members: !wantsAllMembers },
    },
  }
}
