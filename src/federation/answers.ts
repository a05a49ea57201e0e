/**
 * Reads the answers of other servers. What is read here is of the right form, and within the bounds in which the rest of
 * this server may work with it; an answer that is not so is a failure of that server, never an error of this one.
 */
import { MatrixError } from '../protocol/errors.ts'
import type { JsonObject, JsonValue } from '../protocol/events/canonical-json.ts'
import { type JsonParts, partsOf, type WantedParts } from '../protocol/federation/json-parts.ts'
import { isEventId } from '../protocol/identifiers.ts'
import { isTooDeep } from '../protocol/json-depth.ts'
import { objectField } from '../protocol/json-fields.ts'
import { ServerFailure } from './server-failure.ts'

/** A small answer, in which no event is that is hashed. @throws ServerFailure */
export function objectIn(text: string): JsonObject {
  const object = objectField(parsed(text))
  if (object === undefined || isTooDeep(object, text)) throw new ServerFailure('unfit')
  return object
}

/**
 * The first elements of a list, each as its JSON. They are not parsed, so one wrong event does not spoil the others. An
 * element that is longer than an event may be is left out. @throws ServerFailure where the list is missing
 */
export function elementsIn(text: string, key: string, most: number): string[] {
  const found = partsIn(text, { lists: [key], most, whenMore: 'stop' }).lists.get(key)
  if (found === undefined) throw new ServerFailure('unfit')
  const decoder = new TextDecoder()
  return found.map((bytes) => decoder.decode(bytes))
}

/** The JSON of one member. @throws ServerFailure where the text is no JSON object */
export function memberIn(text: string, key: string): string | undefined {
  return partsIn(text, { members: [key] }).members.get(key)
}

/**
 * Lists of event ids, each id once.
 * @param most ids of all lists together
 * @throws ServerFailure without one of the lists, and where one has anything else
 */
export function idListsIn(
  text: string,
  keys: readonly string[],
  most: number,
): Map<string, string[]> | 'too many' {
  let parts: JsonParts
  try {
    parts = partsOf(text, { lists: keys, most })
  } catch (error) {
    if (error instanceof MatrixError && error.errcode === 'M_TOO_LARGE') return 'too many'
    throw asFailure(error)
  }
  const decoder = new TextDecoder()
  const idOf = (bytes: Uint8Array): string => {
    const id = parsed(decoder.decode(bytes))
    if (typeof id !== 'string' || !isEventId(id)) throw new ServerFailure('unfit')
    return id
  }
  return new Map(
    keys.map((key) => {
      const found = parts.lists.get(key)
      if (found === undefined) throw new ServerFailure('unfit')
      return [key, [...new Set(found.map(idOf))]]
    }),
  )
}

function partsIn(text: string, wanted: WantedParts): JsonParts {
  try {
    return partsOf(text, wanted)
  } catch (error) {
    throw asFailure(error)
  }
}

const asFailure = (error: unknown) => (error instanceof MatrixError ? new ServerFailure('unfit') : error)

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
}
