/** JSON with one of its parts made odd: which parts there are, and what they become. */
import type { Json, JsonRecord } from '../../local/contract/json.ts'
import type { Random } from './random.ts'
import { deepJson, ODD_NUMBERS, ODD_TEXTS } from './values.ts'

const named = (count: number, name: (index: number) => string): Json =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [name(index), {}]))

/** What a part becomes. What cannot be signed, no server sends: it is passed over there. */
export const ODD_JSON: readonly Json[] = [
  ...ODD_TEXTS,
  ...ODD_NUMBERS,
  'x'.repeat(250),
  'x'.repeat(70_000),
  '9'.repeat(400),
  '@x:test.example',
  '!x:test.example',
  '$x',
  'm.room.member',
  null,
  true,
  [],
  {},
  [null],
  [[]],
  [{}],
  ['\0'],
  { a: null },
  { '\0': '\0', '\ud800': 1 },
  JSON.parse('{"__proto__":{"a":1}}') as Json,
  { constructor: 1, toString: 2, hasOwnProperty: 3, length: -1 },
  JSON.parse(deepJson(180)) as Json,
  JSON.parse(`${'['.repeat(190)}${']'.repeat(190)}`) as Json,
  Array.from({ length: 2_000 }, (_, index) => `x${index}`),
  named(2_000, (index) => `@x${index}:test.example`),
]

/** The same in a path or a query. */
export const ODD_PARTS: readonly string[] = [
  ...ODD_TEXTS.map((text) => text.toWellFormed()),
  ...ODD_NUMBERS.map(String),
  'a'.repeat(256),
  `@${'x'.repeat(240)}:test.example`,
  '*'.repeat(300),
  '@x:test.example',
  '!x:test.example',
  '#x:test.example',
  '$x',
  's0.0.0~',
  '{"a":1}',
  'm.room.member',
]

type Place = readonly string[]

/** The places of a value's parts, that of the whole left out. */
export function placesIn(value: Json, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return at.length === 0 ? [] : [at]
  const below = Object.entries(value).flatMap(([key, inner]) => placesIn(inner, [...at, key]))
  return at.length === 0 ? below : [at, ...below]
}

/** The value with another part in a place. */
export function withPart(value: Json, [key, ...rest]: Place, part: Json): Json {
  if (key === undefined) return part
  const changed = (inner: Json | undefined) => withPart(inner ?? null, rest, part)
  if (Array.isArray(value)) return value.with(Number(key), changed(value[Number(key)]))
  const record = value as JsonRecord
  return { ...record, [key]: changed(record[key]) }
}

/** The value with one part that is odd, or has an odd name; and what was done to it. */
export function oddly<T extends Json>(value: T, random: Random): { value: T; what: string } {
  const places = placesIn(value)
  if (places.length === 0) return { value, what: 'nothing' }
  const place = random.pick(places)
  const part = random.pick(ODD_JSON)
  const what = `${place.join('.')} = ${JSON.stringify(part).slice(0, 60)}`
  return { value: withPart(value, place, part) as T, what }
}
