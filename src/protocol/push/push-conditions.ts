/** Client-Server API §Push Rules, Conditions: each read once from a rule, and asked of many events. */
import type { JsonObject, JsonValue } from '../events/canonical-json.ts'
import { objectField, stringField } from '../json-fields.ts'
import type { MatchWork } from '../matching/match-work.ts'
import { isPatternTooLong, PushGlob, PushLiteral } from './push-glob.ts'
import { PushText } from './push-text.ts'

/** What the rules look at besides the event. */
export interface PushContext {
  /** The owner of the rules. */
  userId: string
  displayName?: string | undefined
  /** How many members the room has. */
  joined: number
  /** Whether the sender of the event may notify by this key, such as `room`. */
  mayNotify: (key: string) => boolean
}

/** The parts of an event that rules can see; `room_id` included, which /sync leaves out. */
export type PushEvent = JsonObject & { sender: string; type: string; content: JsonObject; room_id: string }

/** One evaluation: an event, with each of its texts folded once, and what may still be spent on it. */
export class PushLook {
  readonly event: PushEvent
  readonly context: PushContext
  readonly work: MatchWork
  readonly #texts = new Map<string, PushText>()

  constructor(event: PushEvent, context: PushContext, work: MatchWork) {
    this.event = event
    this.context = context
    this.work = work
  }

  text(value: string): PushText {
    const known = this.#texts.get(value)
    if (known !== undefined) return known
    const text = new PushText(value)
    this.#texts.set(value, text)
    return text
  }
}

export type PushTest = (look: PushLook) => boolean

const never: PushTest = () => false

/** The test of a condition. "Unrecognised conditions MUST NOT match any events." */
export function conditionTest(condition: JsonObject | undefined): PushTest {
  const kind = stringField(condition?.kind)
  if (condition === undefined || kind === undefined || !Object.hasOwn(CONDITIONS, kind)) return never
  return CONDITIONS[kind]?.(condition) ?? never
}

/** "content.body" is matched between word boundaries, other values as a whole. */
export function bodyTest(pattern: string | undefined): PushTest {
  if (pattern === undefined) return never
  const glob = new PushGlob(pattern)
  return (look) => {
    const { body } = look.event.content
    return typeof body === 'string' && glob.matchesWords(look.text(body), look.work)
  }
}

const CONDITIONS: Readonly<Record<string, (condition: JsonObject) => PushTest | undefined>> = {
  event_match: ({ key, pattern }) => {
    if (typeof key !== 'string' || typeof pattern !== 'string') return undefined
    if (key === 'content.body') return bodyTest(pattern)
    const [propertyIn, glob] = [propertyOf(key), new PushGlob(pattern)]
    return (look) => {
      const value = propertyIn(look.event)
      return typeof value === 'string' && glob.matchesWhole(look.text(value), look.work)
    }
  },
  event_property_is: ({ key, value }) => {
    if (typeof key !== 'string' || !isScalar(value)) return undefined
    const propertyIn = propertyOf(key)
    return ({ event }) => propertyIn(event) === value
  },
  event_property_contains: ({ key, value }) => {
    if (typeof key !== 'string' || !isScalar(value)) return undefined
    const propertyIn = propertyOf(key)
    return ({ event, work }) => {
      const list = propertyIn(event)
      return Array.isArray(list) && work.search(list.length) && list.includes(value)
    }
  },
  room_member_count: ({ is }) => {
    const holds = typeof is === 'string' ? countTest(is) : undefined
    return holds && (({ context }) => holds(context.joined))
  },
  sender_notification_permission: ({ key }) =>
    typeof key === 'string' ? ({ context }) => context.mayNotify(key) : undefined,
  // A name is taken as it is written: its stars stand for themselves.
  contains_display_name: () => {
    // Most messages in turn are of one room, and so for one name.
    let newest: { name: string; literal: PushLiteral } | undefined
    return (look) => {
      const { body } = look.event.content
      const { displayName: name } = look.context
      if (typeof body !== 'string' || name === undefined) return false
      if (newest?.name !== name) newest = { name, literal: new PushLiteral(name) }
      return newest.literal.standsIn(look.text(body), look.work)
    }
  },
}

const COUNT = /^(==|<=|>=|<|>)?(\d{1,9})$/

const COMPARISONS: Readonly<Record<string, (count: number, limit: number) => boolean>> = {
  '==': (count, limit) => count === limit,
  '<': (count, limit) => count < limit,
  '>': (count, limit) => count > limit,
  '<=': (count, limit) => count <= limit,
  '>=': (count, limit) => count >= limit,
}

/** The number that a condition on members compares with. */
export function memberLimit(is: JsonValue | undefined): number | undefined {
  const limit = typeof is === 'string' ? COUNT.exec(is)?.[2] : undefined
  return limit === undefined ? undefined : Number(limit)
}

function countTest(is: string): ((count: number) => boolean) | undefined {
  const [, comparison = '==', limit] = COUNT.exec(is) ?? []
  const holds = COMPARISONS[comparison]
  if (limit === undefined || holds === undefined) return undefined
  return (count) => holds(count, Number(limit))
}

function isScalar(value: JsonValue | undefined): value is string | number | boolean | null {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

/** How the property under a dot-separated path is read; a path as long as no pattern may be leads nowhere. */
function propertyOf(key: string): (event: JsonObject) => JsonValue | undefined {
  if (isPatternTooLong(key)) return () => undefined
  const names = pathOf(key)
  return (event) => {
    let value: JsonValue | undefined = event
    for (const name of names) {
      const within: JsonObject | undefined = objectField(value)
      if (within === undefined || !Object.hasOwn(within, name)) return undefined
      value = within[name]
    }
    return value
  }
}

/** "The dot-separated path": `\.` is a dot in a name, and `\\` a backslash; before anything else it stands for itself. */
function pathOf(key: string): string[] {
  const names = ['']
  for (const [token] of key.matchAll(/\\[.\\]|[\s\S]/g)) {
    if (token === '.') names.push('')
    else names[names.length - 1] += token.length === 2 && token.startsWith('\\') ? token.slice(1) : token
  }
  return names
}
