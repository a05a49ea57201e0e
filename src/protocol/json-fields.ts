/** Reads fields of content that nobody has checked: a field of the wrong type counts as absent. */
import type { JsonObject, JsonValue } from './events/canonical-json.ts'

/** The value as an object, or undefined when it is anything else. */
export function objectField(value: JsonValue | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
}

/** The value as a string, or undefined when it is anything else. */
export function stringField(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** The value as an integer that canonical JSON can hold, or undefined when it is anything else. */
export function integerField(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined
}
