/** What is wrong with a request, as a sentence of one form: the field, then what it is not or must be. */
import type * as z from 'zod'

const TYPES: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
}

/** What is counted of a value that is too long, too short, too many or too few. */
const UNITS: Record<string, string> = {
  string: ' characters',
  array: ' entries',
  set: ' entries',
  object: ' keys',
}

/** The sentence for an issue. @param isMissing the field is not there at all */
export function issueSentence(issue: z.core.$ZodIssue, isMissing = false): string {
  const name = issue.path.join('.') || 'The body'
  return isMissing ? `${name} is missing` : `${name} ${predicate(issue)}`
}

function predicate(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPES[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be ${oneOf(issue.values.map(String))}`
    case 'too_small':
      return bound(issue.origin, 'at least', issue.minimum)
    case 'too_big':
      return bound(issue.origin, 'at most', issue.maximum)
    case 'invalid_union':
      return 'is not of the right type'
    default:
      return ownWords(issue.message)
  }
}

function bound(origin: string, side: string, limit: number | bigint): string {
  const unit = UNITS[origin]
  return unit === undefined ? `must be ${side} ${limit}` : `must have ${side} ${limit}${unit}`
}

/** A schema's own message is a predicate: `must be …`, `holds …`, or what the field is: `not a room ID`. */
function ownWords(message: string): string {
  if (/^(not |too |missing$)/.test(message)) return `is ${message}`
  return /^(Invalid|Too) /.test(message) ? 'is not of the right form' : message
}

function oneOf(values: readonly string[]): string {
  const [last = '', ...others] = [...values].reverse()
  return others.length === 0 ? last : `${others.reverse().join(', ')} or ${last}`
}
