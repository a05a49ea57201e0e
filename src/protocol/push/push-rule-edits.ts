/** Client-Server API §Push Rules: API: what a client may change about a ruleset, as pure functions over it. */

import { MatrixError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../events/canonical-json.ts'
import { objectField } from '../json-fields.ts'
import { RULE_KINDS, type RuleKind, rulesOf } from './push-evaluator.ts'
import { checkRuleSize, checkRulesetSize } from './push-rule-limits.ts'
import { defaultPushRules } from './push-rules.ts'

/** A rule as a client writes it. */
export interface RuleBody {
  actions: JsonValue[]
  conditions?: JsonValue[]
  pattern?: string
}

/** "The new rule will be the next-most/least important rule with respect to the given user-defined rule." */
export interface RulePlace {
  before?: string
  after?: string
}

const MASTER = '.m.rule.master'

/**
 * The user's rules as they stand: what they stored, with today's default rules, of which only `enabled` and
 * `actions` are theirs to change. "User-defined rules come before server-default ones", and the master before all.
 */
export function currentPushRules(userId: string, stored: JsonObject | undefined): JsonObject {
  const defaults = defaultPushRules(userId)
  if (stored === undefined) return defaults
  return Object.fromEntries(
    RULE_KINDS.map((kind) => {
      const kept = rulesOf(stored, kind)
      const fresh = rulesOf(defaults, kind).map((rule) => changedDefault(rule, kept))
      const master = fresh.filter((rule) => rule.rule_id === MASTER)
      const others = fresh.filter((rule) => rule.rule_id !== MASTER)
      return [kind, [...master, ...kept.filter((rule) => rule.default !== true), ...others]]
    }),
  )
}

function changedDefault(rule: JsonObject, kept: readonly JsonObject[]): JsonObject {
  const own = kept.find(({ rule_id }) => rule_id === rule.rule_id)
  return own === undefined
    ? rule
    : { ...rule, enabled: own.enabled ?? true, actions: own.actions ?? rule.actions ?? [] }
}

/** @throws MatrixError M_NOT_FOUND */
export function pushRule(ruleset: JsonObject, kind: string, ruleId: string): JsonObject {
  const rule = rulesOf(ruleset, kind).find(({ rule_id }) => rule_id === ruleId)
  if (rule === undefined) throw new MatrixError('M_NOT_FOUND', `There is no ${kind} rule ${ruleId}`)
  return rule
}

/**
 * Adds a rule, as the most important of its kind unless a place is named, or changes one, which keeps its place.
 * @throws MatrixError M_INVALID_PARAM for an id or place that only the server may use; M_UNKNOWN, status 400, for no
 * such place; M_TOO_LARGE
 */
export function withRule(
  ruleset: JsonObject,
  kind: RuleKind,
  ruleId: string,
  body: RuleBody,
  place: RulePlace,
): JsonObject {
  checkRuleId(ruleId)
  const rules = rulesOf(ruleset, kind)
  const rule: JsonObject = {
    rule_id: ruleId,
    default: false,
    enabled: rules.find(({ rule_id }) => rule_id === ruleId)?.enabled ?? true,
    ...matcherOf(kind, body),
    actions: checkedActions(body.actions),
  }
  checkRuleSize(rule)
  const changed = { ...ruleset, [kind]: placed(rules, rule, place) }
  checkRulesetSize(changed)
  return changed
}

/** A rule that was there keeps its place unless another is named. */
function placed(rules: readonly JsonObject[], rule: JsonObject, place: RulePlace): JsonObject[] {
  const old = rules.findIndex(({ rule_id }) => rule_id === rule.rule_id)
  if (old !== -1 && place.before === undefined && place.after === undefined) return rules.with(old, rule)
  const others = rules.filter(({ rule_id }) => rule_id !== rule.rule_id)
  return others.toSpliced(indexOfPlace(others, place), 0, rule)
}

/** @throws MatrixError M_NOT_FOUND, also for a rule of the server: the user has no rule of that name */
export function withoutRule(ruleset: JsonObject, kind: RuleKind, ruleId: string): JsonObject {
  if (pushRule(ruleset, kind, ruleId).default === true) {
    throw new MatrixError('M_NOT_FOUND', 'A rule of the server cannot be deleted, only disabled')
  }
  return { ...ruleset, [kind]: rulesOf(ruleset, kind).filter(({ rule_id }) => rule_id !== ruleId) }
}

/** Changes what may be changed about any rule. @throws MatrixError M_NOT_FOUND, M_INVALID_PARAM for unknown actions */
export function withRuleChange(
  ruleset: JsonObject,
  kind: RuleKind,
  ruleId: string,
  change: { enabled: boolean } | { actions: JsonValue[] },
): JsonObject {
  const rule = pushRule(ruleset, kind, ruleId)
  const checked = 'actions' in change ? { actions: checkedActions(change.actions) } : change
  if ('actions' in change) checkRuleSize({ ...rule, ...checked })
  const rules = rulesOf(ruleset, kind).map((one) => (one === rule ? { ...one, ...checked } : one))
  return { ...ruleset, [kind]: rules }
}

/** "Rule IDs MUST NOT start with a dot, nor contain a slash or a backslash." */
function checkRuleId(ruleId: string): void {
  if (ruleId.startsWith('.'))
    throw new MatrixError(
      'M_INVALID_PARAM',
      'A rule id must not begin with a dot: such rules are the server’s',
    )
  if (/[/\\]/.test(ruleId))
    throw new MatrixError('M_INVALID_PARAM', 'A rule id must have no slash and no backslash')
}

function matcherOf(kind: RuleKind, { conditions, pattern }: RuleBody): JsonObject {
  if (kind === 'override' || kind === 'underride') return { conditions: checkedConditions(kind, conditions) }
  if (kind !== 'content') return {}
  if (pattern === undefined) throw new MatrixError('M_MISSING_PARAM', 'A content rule needs a pattern')
  return { pattern }
}

/** A rule that is to match everything has an empty list, as other servers want it. */
function checkedConditions(kind: RuleKind, conditions: JsonValue[] | undefined): JsonValue[] {
  if (conditions === undefined) throw new MatrixError('M_MISSING_PARAM', `An ${kind} rule needs conditions`)
  if (conditions.every((condition) => typeof objectField(condition)?.kind === 'string')) return conditions
  throw new MatrixError('M_INVALID_PARAM', 'Each condition must be an object with a kind')
}

const ACTIONS: ReadonlySet<JsonValue> = new Set(['notify', 'dont_notify', 'coalesce'])

function checkedActions(actions: JsonValue[]): JsonValue[] {
  const known = (action: JsonValue) =>
    ACTIONS.has(action) || typeof objectField(action)?.set_tweak === 'string'
  if (actions.every(known)) return actions
  throw new MatrixError('M_INVALID_PARAM', 'Each action must be a string, or an object that sets a tweak')
}

/** Where a rule goes among the others of its kind: ahead of all but the master, which is put first by each reading. */
function indexOfPlace(rules: readonly JsonObject[], { before, after }: RulePlace): number {
  const neighbour = before ?? after
  if (neighbour === undefined) return 0
  if (neighbour.startsWith('.')) {
    throw new MatrixError('M_INVALID_PARAM', 'before and after must name a rule of the user’s own')
  }
  const index = rules.findIndex(({ rule_id }) => rule_id === neighbour)
  // The specification's own example of this has M_UNKNOWN.
  if (index === -1) {
    throw new MatrixError('M_UNKNOWN', `There is no rule ${neighbour} to place this one beside`, {
      status: 400,
    })
  }
  return before === undefined ? index + 1 : index
}
