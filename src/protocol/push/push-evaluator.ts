/** Client-Server API §Push Rules: what a user's rules say about an event. */
import type { JsonObject, JsonValue } from '../events/canonical-json.ts'
import { objectField, stringField } from '../json-fields.ts'
import { MatchWork } from '../matching/match-work.ts'
import {
  bodyTest,
  conditionTest,
  type PushContext,
  type PushEvent,
  PushLook,
  type PushTest,
} from './push-conditions.ts'
import { RULES_BEFORE_MENTIONS } from './push-rules.ts'

export type { PushContext, PushEvent } from './push-conditions.ts'

/** "The different kinds of rule, in the order that they are checked." */
export const RULE_KINDS = ['override', 'content', 'room', 'sender', 'underride'] as const
export type RuleKind = (typeof RULE_KINDS)[number]

export interface PushVerdict {
  notify: boolean
  highlight: boolean
  /** The tweak `sound`, if a rule sets it. */
  sound?: string
}

/**
 * What a ruleset (the value of `global`) says about an event: "once a rule matches, its actions are the result, and
 * no further rules are evaluated". A user's own events never notify them.
 */
export function evaluatePush(
  ruleset: JsonObject,
  event: PushEvent,
  context: PushContext,
  work?: MatchWork,
): PushVerdict {
  return verdictOf(pushActions(ruleset, event, context, work))
}

/**
 * As `evaluatePush`, but answers the actions themselves, of the rule that matches; none if no rule matches. A text for
 * which no work is left is not searched: the rules that need no search still decide.
 */
export function pushActions(
  ruleset: JsonObject,
  event: PushEvent,
  context: PushContext,
  work = new MatchWork(),
): JsonValue[] {
  if (event.sender === context.userId) return []
  const look = new PushLook(event, context, work)
  const rules = readRules(ruleset)
  const rule = rules.find(({ tests }) => {
    work.step()
    return tests.every((test) => test(look))
  })
  return rule?.actions ?? []
}

/** The rules of one kind, in order; entries that are not rules are left out. */
export function rulesOf(ruleset: JsonObject, kind: string): JsonObject[] {
  const rules = ruleset[kind]
  return Array.isArray(rules) ? rules.map(objectField).filter((rule) => rule !== undefined) : []
}

interface Rule {
  tests: PushTest[]
  actions: JsonValue[]
}

/** Each ruleset is read once: many events are held against it. */
const read = new WeakMap<JsonObject, Rule[]>()

/** The rules that are enabled, in the order in which they are asked. */
function readRules(ruleset: JsonObject): Rule[] {
  const known = read.get(ruleset)
  if (known !== undefined) return known
  const rules = RULE_KINDS.flatMap((kind) =>
    rulesOf(ruleset, kind)
      .filter(({ enabled }) => enabled !== false)
      .map((rule) => ({
        tests: [...(RULES_BEFORE_MENTIONS.has(rule.rule_id) ? [saysNoMentions] : []), ...testsOf(kind, rule)],
        actions: Array.isArray(rule.actions) ? rule.actions : [],
      })),
  )
  read.set(ruleset, rules)
  return rules
}

/** "… not present on the event": an empty `m.mentions` says that nobody is mentioned. */
const saysNoMentions: PushTest = ({ event }) => !Object.hasOwn(event.content, 'm.mentions')

function testsOf(kind: RuleKind, rule: JsonObject): PushTest[] {
  switch (kind) {
    case 'content':
      return [bodyTest(stringField(rule.pattern))]
    case 'room':
      return [({ event }) => rule.rule_id === event.room_id]
    case 'sender':
      return [({ event }) => rule.rule_id === event.sender]
    case 'override':
    case 'underride':
      return conditionsOf(rule).map(conditionTest)
  }
}

/** A rule without conditions always matches; one with something else in their place never does. */
function conditionsOf({ conditions }: JsonObject): (JsonObject | undefined)[] {
  if (conditions === undefined) return []
  return Array.isArray(conditions) ? conditions.map(objectField) : [undefined]
}

/** `dont_notify` and `coalesce` of older versions are accepted and say nothing. */
export function verdictOf(list: readonly JsonValue[]): PushVerdict {
  const notify = list.includes('notify')
  const tweak = (name: string) => list.map(objectField).find((action) => action?.set_tweak === name)
  const highlight = tweak('highlight')
  const sound = stringField(tweak('sound')?.value)
  return {
    notify,
    // "If a highlight tweak is given with no value, its value is defined to be true."
    highlight: notify && highlight !== undefined && highlight.value !== false,
    ...(sound === undefined ? {} : { sound }),
  }
}
