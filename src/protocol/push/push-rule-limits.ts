/** How large a user's push rules may be: each message in each of the user's rooms is held against them. */

import { MatrixError } from '../errors.ts'
import type { JsonObject } from '../events/canonical-json.ts'
import { objectField } from '../json-fields.ts'
import { RULE_KINDS, rulesOf } from './push-evaluator.ts'
import { isPatternTooLong, MAX_PATTERN_BYTES } from './push-glob.ts'

/** Rules of a user's own: one for each of many rooms, and keywords. */
const MAX_RULES = 1_000
/** All of them, as JSON. */
const MAX_RULES_BYTES = 256 * 1_024
/** One of them, as JSON. */
const MAX_RULE_BYTES = 8 * 1_024
/** Conditions of one rule, and its actions. */
const MAX_PARTS = 64

/** What a pattern, a path, a name or the like stands under, in a condition and in a rule. */
const MATCHED = ['pattern', 'key', 'is', 'value', 'rule_id'] as const

const utf8 = new TextEncoder()
const bytesOf = (value: JsonObject) => utf8.encode(JSON.stringify(value)).length

/** @throws MatrixError M_INVALID_PARAM, M_TOO_LARGE */
export function checkRuleSize(rule: JsonObject): void {
  const conditions = listOf(rule.conditions)
  const parts = [rule, ...conditions.map(objectField).filter((condition) => condition !== undefined)]
  for (const part of parts) {
    const long = MATCHED.find((name) => isLong(part[name]))
    if (long !== undefined) {
      throw new MatrixError('M_INVALID_PARAM', `${long} has more than ${MAX_PATTERN_BYTES} bytes`)
    }
  }
  if (conditions.length > MAX_PARTS || listOf(rule.actions).length > MAX_PARTS) {
    throw new MatrixError(
      'M_INVALID_PARAM',
      `A rule may have at most ${MAX_PARTS} conditions and ${MAX_PARTS} actions`,
    )
  }
  if (bytesOf(rule) > MAX_RULE_BYTES) {
    throw new MatrixError('M_TOO_LARGE', `A rule has at most ${MAX_RULE_BYTES} bytes`)
  }
}

/** Of rules that have grown. @throws MatrixError M_TOO_LARGE */
export function checkRulesetSize(ruleset: JsonObject): void {
  const own = RULE_KINDS.flatMap((kind) => rulesOf(ruleset, kind)).filter((rule) => rule.default !== true)
  if (own.length > MAX_RULES) {
    throw new MatrixError('M_TOO_LARGE', `A user has at most ${MAX_RULES} push rules of their own`)
  }
  if (bytesOf(ruleset) > MAX_RULES_BYTES) {
    throw new MatrixError('M_TOO_LARGE', `The push rules of a user have at most ${MAX_RULES_BYTES} bytes`)
  }
}

function isLong(value: unknown): boolean {
  return typeof value === 'string' && isPatternTooLong(value)
}

function listOf(value: JsonObject[string] | undefined) {
  return Array.isArray(value) ? value : []
}
