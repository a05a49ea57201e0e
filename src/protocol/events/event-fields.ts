/** Client-Server API §Filtering, `event_fields`: an event cut down to the properties a client asks for. */

import type { JsonObject } from './canonical-json.ts'
import type { ClientEvent } from './event.ts'

/** What is wanted below a property: all of it, or some properties by name. */
type Wanted = 'all' | Map<string, Wanted>

/**
 * The event with only the wanted fields, each a dot-separated property path; without `fields`, the event itself.
 * A path that leads nowhere selects nothing.
 */
export function selectEventFields<T extends object>(event: T, fields: string[] | undefined): Partial<T> {
  if (fields === undefined) return event
  return project(event, readFields(fields)) as Partial<T>
}

/** Many events are cut down to the same fields. */
const read = new WeakMap<string[], Map<string, Wanted>>()

function readFields(fields: string[]): Map<string, Wanted> {
  const known = read.get(fields)
  if (known !== undefined) return known
  const wanted = new Map<string, Wanted>()
  for (const field of fields) add(wanted, splitPropertyPath(field))
  read.set(fields, wanted)
  return wanted
}

/** "A server may include more fields than were requested": what every event must have stays. */
export function eventWithFields(event: ClientEvent, fields: string[] | undefined): JsonObject {
  const selected = selectEventFields(event, fields) as JsonObject
  if (fields === undefined) return selected
  const { event_id, type, sender, origin_server_ts, state_key } = event
  const needed = {
    event_id,
    type,
    sender,
    origin_server_ts,
    ...(state_key === undefined ? {} : { state_key }),
  }
  return { content: {}, ...selected, ...needed }
}

/** Appendices §Dot-separated property paths: `\.` and `\\` are literal, other escapes stay as they are. */
export function splitPropertyPath(path: string): string[] {
  const names: string[] = []
  let name = ''
  for (let at = 0; at < path.length; at++) {
    const char = path.charAt(at)
    const next = path.charAt(at + 1)
    if (char === '\\' && (next === '.' || next === '\\')) {
      name += next
      at++
    } else if (char === '.') {
      names.push(name)
      name = ''
    } else {
      name += char
    }
  }
  return [...names, name]
}

function add(wanted: Map<string, Wanted>, [name, ...deeper]: string[]): void {
  if (name === undefined) return
  const known = wanted.get(name)
  if (known === 'all') return
  if (deeper.length === 0) {
    wanted.set(name, 'all')
    return
  }
  const below = known ?? new Map<string, Wanted>()
  wanted.set(name, below)
  add(below, deeper)
}

function project(source: object, wanted: Map<string, Wanted>): object {
  const kept: [string, unknown][] = []
  for (const [name, value] of Object.entries(source)) {
    const below = wanted.get(name)
    if (below === 'all') kept.push([name, value])
    else if (below !== undefined && isObject(value)) kept.push([name, project(value, below)])
  }
  // Unlike assignment, this keeps a property named `__proto__` a property.
  return Object.fromEntries(kept)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
