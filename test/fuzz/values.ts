/** Values from schemas: those that fit, and those that do not. */
import type { Json, JsonRecord } from '../../local/contract/json.ts'
import { type Spec, schemaAt } from '../../local/contract/spec.ts'
import type { Cast } from './cast.ts'
import type { Random } from './random.ts'

export interface Maker {
  spec: Spec
  random: Random
  cast: Cast
}

/** The attacker's own ids and things, by the format of a schema. */
function wellFormed(format: string, { cast, random }: Maker): string | undefined {
  const values: Record<string, string[]> = {
    'mx-user-id': [
      cast.attacker.userId,
      cast.victim.userId,
      '@nobody:test.example',
      '@far:elsewhere.example',
    ],
    'mx-room-id': [cast.ownRoom, cast.sharedRoom],
    'mx-event-id': [cast.ownEvent, cast.sharedEvent, '$nothing'],
    'mx-room-alias': ['#his:test.example', cast.victimAlias],
    'mx-server-name': ['test.example', 'elsewhere.example'],
    'mx-mxc-uri': ['mxc://test.example/abc'],
    uri: ['https://client.example/'],
    email: ['somebody@client.example'],
  }
  const fitting = values[format]
  return fitting && random.pick(fitting)
}

const MAX_DEPTH = 6

/** A value that fits a schema. */
export function fittingValue(schema: JsonRecord, maker: Maker, depth = 0): Json {
  const { spec, random } = maker
  if (typeof schema.$ref === 'string') return fittingValue(schemaAt(spec, schema.$ref).schema, maker, depth)
  for (const choice of ['oneOf', 'anyOf'] as const) {
    const choices = schema[choice]
    if (Array.isArray(choices)) return fittingValue(random.pick(choices) as JsonRecord, maker, depth)
  }
  if (Array.isArray(schema.enum)) return random.pick(schema.enum)
  const type = Array.isArray(schema.type) ? random.pick(schema.type) : schema.type
  const make = MAKERS[String(type ?? 'object')] ?? MAKERS.object!
  return make(schema, maker, depth)
}

type Make = (schema: JsonRecord, maker: Maker, depth: number) => Json

const MAKERS: Record<string, Make> = {
  string: (schema, maker) =>
    wellFormed(String(schema.format ?? ''), maker) ??
    maker.random.pick(['a', 'word', 'm.thing', 'org.example.x']),
  integer: (_, { random }) => random.below(100),
  number: (_, { random }) => random.below(100) / 4,
  boolean: (_, { random }) => random.chance(0.5),
  null: () => null,
  array: (schema, maker, depth) =>
    depth > MAX_DEPTH
      ? []
      : Array.from({ length: maker.random.below(3) }, () =>
          fittingValue((schema.items ?? {}) as JsonRecord, maker, depth + 1),
        ),
  object: (schema, maker, depth) => {
    const { properties, required } = fieldsOf(schema, maker.spec)
    const wanted = Object.entries(properties).filter(
      ([name]) => required.has(name) || (depth < MAX_DEPTH && maker.random.chance(0.4)),
    )
    return Object.fromEntries(wanted.map(([name, inner]) => [name, fittingValue(inner, maker, depth + 1)]))
  },
}

interface Fields {
  properties: Record<string, JsonRecord>
  required: Set<string>
}

/** The named properties of an object, those that come by `allOf` included. */
export function fieldsOf(schema: JsonRecord, spec: Spec): Fields {
  if (typeof schema.$ref === 'string') return fieldsOf(schemaAt(spec, schema.$ref).schema, spec)
  const inherited = ((schema.allOf ?? []) as JsonRecord[]).map((part) => fieldsOf(part, spec))
  const own = { ...(schema.properties as Fields['properties'] | undefined) }
  return {
    properties: Object.assign({}, ...inherited.map(({ properties }) => properties), own),
    required: new Set([
      ...inherited.flatMap(({ required }) => [...required]),
      ...((schema.required ?? []) as string[]),
    ]),
  }
}

/** A value of another JSON type than the schema's; nothing where any type will do. */
export function misfit(schema: JsonRecord, { spec, random }: Maker): Json | undefined {
  const { type } = typeof schema.$ref === 'string' ? schemaAt(spec, schema.$ref).schema : schema
  if (typeof type !== 'string') return undefined
  const others = Object.entries(OF_TYPE).filter(
    ([name]) => name !== type && !(type === 'number' && name === 'integer'),
  )
  return random.pick(random.pick(others)[1])
}

const OF_TYPE: Record<string, Json[]> = {
  string: ['', 'text', '0', 'true'],
  integer: [0, 1, -1],
  number: [1.5],
  boolean: [true, false],
  array: [[], [[]], ['x'], [null]],
  object: [{}, { key: {} }, { errcode: 'M_X' }],
}

/** Texts that break naive programs. */
export const ODD_TEXTS = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  'x\udfffy',
  '𝒳😀\u{10ffff}',
  '\u202eright to left\u200f',
  'e\u0301\u0308\u0323',
  '\ufeffmark',
  '\uffff',
  '\r\n\t',
  '../../etc/passwd',
  "'; drop table events; --",
  '%',
  '%00',
  '__proto__',
  'constructor',
  'toString',
  '*',
  '@:',
  '!',
  '$',
  '#:',
  '@victim:test.example',
  'NaN',
  '-0',
  '1e400',
]

/** Numbers at the edges of what JSON, JavaScript and databases hold. */
export const ODD_NUMBERS = [-1, 0, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 2 ** 63, -(2 ** 53), 1e300, 0.1, -0.5]

/** Text that takes many bytes. */
export const longText = (length: number) => 'ü'.repeat(length)

/** JSON text nested this deep. */
export const deepJson = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
