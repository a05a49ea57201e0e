/** Client-Server API §Push Rules: what a user's rules say about an event. */
import type { JsonObject, JsonValue } from './canonical-json.ts'
import { objectField, stringField } from './json-fields.ts'
import { matchesWhole, matchesWords } from './push-glob.ts'

/** "The different kinds of rule, in the order that they are checked." */
export const RULE_KINDS = ['override', 'content', 'room', 'sender', 'underride'] as const
export type RuleKind = (typeof RULE_KINDS)[number]

/** What the rules look at besides the event. */
export interface PushContext {
  /** Whose rules they are. */
  userId: string
  displayName?: string
  /** How many members the room has. */
  joined: number
  /** Whether the sender of the event may notify by this key, such as `room`. */
  mayNotify: (key: string) => boolean
}

export interface PushVerdict {
  notify: boolean
  highlight: boolean
  /** The tweak `sound`, if a rule sets it. */
  sound?: string
}

/** The parts of an event that rules can see; `room_id` included, which /sync leaves out. */
export type PushEvent = JsonObject & { sender: string; type: string; content: JsonObject; room_id: string }

/**
 * What a ruleset (the value of `global`) says about an event: "once a rule matches, its actions are the result, and
 * no further rules are evaluated". A user's own events never notify them.
 */
export function evaluatePush(ruleset: JsonObject, event: PushEvent, context: PushContext): PushVerdict {
  return verdictOf(pushActions(ruleset, event, context))
}

/** As `evaluatePush`, but the actions themselves, of the rule that matches; of none: none. */
export function pushActions(ruleset: JsonObject, event: PushEvent, context: PushContext): JsonValue[] {
  if (event.sender === context.userId) return []
  for (const kind of RULE_KINDS) {
    for (const rule of rulesOf(ruleset, kind)) {
      if (rule.enabled !== false && ruleMatches(kind, rule, event, context)) {
        return Array.isArray(rule.actions) ? rule.actions : []
      }
    }
  }
  return []
}

/** The rules of one kind, in order; what is no rule is left out. */
export function rulesOf(ruleset: JsonObject, kind: string): JsonObject[] {
  const rules = ruleset[kind]
  return Array.isArray(rules) ? rules.map(objectField).filter((rule) => rule !== undefined) : []
}

function ruleMatches(kind: RuleKind, rule: JsonObject, event: PushEvent, context: PushContext): boolean {
  switch (kind) {
    case 'content':
      return bodyMatches(stringField(rule.pattern), event)
    case 'room':
      return rule.rule_id === event.room_id
    case 'sender':
      return rule.rule_id === event.sender
    case 'override':
    case 'underride':
      return conditionsOf(rule).every((condition) => conditionHolds(condition, event, context))
  }
}

/** A rule without conditions always matches; one with something else in their place never does. */
function conditionsOf({ conditions }: JsonObject): (JsonObject | undefined)[] {
  if (conditions === undefined) return []
  return Array.isArray(conditions) ? conditions.map(objectField) : [undefined]
}

type Condition = (condition: JsonObject, event: PushEvent, context: PushContext) => boolean

const CONDITIONS: Readonly<Record<string, Condition>> = {
  event_match: ({ key, pattern }, event) => {
    if (typeof key !== 'string' || typeof pattern !== 'string') return false
    if (key === 'content.body') return bodyMatches(pattern, event)
    const value = propertyAt(event, key)
    return typeof value === 'string' && matchesWhole(pattern, value)
  },
  event_property_is: ({ key, value }, event) =>
    typeof key === 'string' && isScalar(value) && propertyAt(event, key) === value,
  event_property_contains: ({ key, value }, event) => {
    if (typeof key !== 'string' || !isScalar(value)) return false
    const list = propertyAt(event, key)
    return Array.isArray(list) && list.includes(value)
  },
  room_member_count: ({ is }, _event, { joined }) => typeof is === 'string' && countMatches(is, joined),
  sender_notification_permission: ({ key }, _event, { mayNotify }) =>
    typeof key === 'string' && mayNotify(key),
  contains_display_name: (_condition, event, { displayName }) =>
    displayName !== undefined && bodyHasName(displayName, event),
}

/** "Unrecognised conditions MUST NOT match any events." */
function conditionHolds(condition: JsonObject | undefined, event: PushEvent, context: PushContext): boolean {
  const kind = stringField(condition?.kind)
  if (condition === undefined || kind === undefined || !Object.hasOwn(CONDITIONS, kind)) return false
  return CONDITIONS[kind]?.(condition, event, context) ?? false
}

function bodyMatches(pattern: string | undefined, event: PushEvent): boolean {
  const { body } = event.content
  return pattern !== undefined && typeof body === 'string' && matchesWords(pattern, body)
}

/** A name is taken as it is written: stars in it stand for themselves. */
function bodyHasName(name: string, event: PushEvent): boolean {
  const { body } = event.content
  if (typeof body !== 'string' || name === '') return false
  const [text, wanted] = [body.toLowerCase(), name.toLowerCase()]
  const isWord = (character: string | undefined) => character !== undefined && /[a-z0-9_]/.test(character)
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + 1)) {
    const end = at + wanted.length
    const starts = at === 0 || !isWord(text[at - 1]) || !isWord(text[at])
    const ends = end === text.length || !isWord(text[end]) || !isWord(text[end - 1])
    if (starts && ends) return true
  }
  return false
}

const COUNT = /^(==|<=|>=|<|>)?(\d{1,9})$/

const COMPARISONS: Readonly<Record<string, (count: number, limit: number) => boolean>> = {
  '==': (count, limit) => count === limit,
  '<': (count, limit) => count < limit,
  '>': (count, limit) => count > limit,
  '<=': (count, limit) => count <= limit,
  '>=': (count, limit) => count >= limit,
}

function countMatches(is: string, joined: number): boolean {
  const [, comparison = '==', limit] = COUNT.exec(is) ?? []
  return limit !== undefined && COMPARISONS[comparison]?.(joined, Number(limit)) === true
}

function isScalar(value: JsonValue | undefined): value is string | number | boolean | null {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

/** "The dot-separated path": `\.` is a dot in a name, and `\\` a backslash; before anything else it stands for itself. */
function propertyAt(event: JsonObject, key: string): JsonValue | undefined {
  let value: JsonValue | undefined = event
  for (const name of pathOf(key)) {
    const within: JsonObject | undefined = objectField(value)
    value = within !== undefined && Object.hasOwn(within, name) ? within[name] : undefined
  }
  return value
}

function pathOf(key: string): string[] {
  const names = ['']
  for (const [token] of key.matchAll(/\\[.\\]|[\s\S]/g)) {
    if (token === '.') names.push('')
    else names[names.length - 1] += token.length === 2 && token.startsWith('\\') ? token.slice(1) : token
  }
  return names
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
