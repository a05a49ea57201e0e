/** Bodies that are no JSON, too much JSON, or JSON that does not fit. */
import type { Json, JsonRecord } from '../../local/contract/json.ts'
import { schemaAt } from '../../local/contract/spec.ts'
import type { Attack, Expected } from './attack.ts'
import type { Random } from './random.ts'
import type { Draft } from './request.ts'
import { deepJson, fieldsOf, longText, type Maker, misfit, ODD_NUMBERS, ODD_TEXTS } from './values.ts'

const NOT_JSON: Expected = { statuses: [400], errcodes: ['M_NOT_JSON'] }
const BAD_JSON: Expected = { statuses: [400], errcodes: ['M_BAD_JSON'] }
const TOO_DEEP: Expected = { statuses: [400], errcodes: ['M_BAD_JSON', 'M_NOT_JSON'] }
const TOO_LARGE: Expected = { statuses: [413], errcodes: ['M_TOO_LARGE'] }

export const BODY_ATTACKS: Attack[] = [
  ...bodies(),
  {
    name: 'no body',
    apply(draft) {
      if (draft.json === undefined) return undefined
      draft.body = ''
      return {}
    },
  },
  {
    name: 'another content type',
    apply(draft, { random }) {
      if (draft.json === undefined) return undefined
      draft.headers['content-type'] = random.pick([
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data',
        'application/json; charset=utf-16',
        '???',
      ])
      return {}
    },
  },
  {
    name: 'a field of the wrong type',
    apply(draft, maker) {
      const fields = fieldsIn(draft, maker)
      if (fields.length === 0) return undefined
      const [name, schema] = maker.random.pick(fields)
      const value = misfit(schema, maker)
      if (value === undefined) return undefined
      setJson(draft, { ...draft.json, [name]: value })
      return {}
    },
  },
  {
    name: 'a field that is missing',
    apply(draft, maker) {
      if (draft.json === undefined || draft.operation.body === undefined) return undefined
      const { required } = fieldsOf(schemaAt(maker.spec, draft.operation.body.schema).schema, maker.spec)
      if (required.size === 0) return undefined
      const { [maker.random.pick([...required])]: _, ...rest } = draft.json
      setJson(draft, rest)
      return { mustFail: true }
    },
  },
  {
    name: 'fields that nobody knows',
    apply(draft, { random }) {
      if (draft.json === undefined) return undefined
      setJson(draft, {
        ...draft.json,
        [random.pick(ODD_TEXTS)]: random.pick(ODD_TEXTS),
        'org.example.x': [null],
      })
      return {}
    },
  },
  {
    name: 'an odd value',
    apply(draft, { random }) {
      if (draft.json === undefined) return undefined
      const odd = random.pick<Json>([
        random.pick(ODD_TEXTS),
        random.pick(ODD_NUMBERS),
        longText(70_000),
        null,
        {},
        [],
      ])
      setJson(draft, replacedSomewhere(draft.json, odd, random) as JsonRecord)
      return {}
    },
  },
  {
    name: 'a value that is deeper than it looks',
    apply(draft, maker) {
      if (draft.json === undefined) return undefined
      const [name] = maker.random.pick([...fieldsIn(draft, maker), ['org.example.deep', {}] as const])
      const deep = JSON.parse(deepJson(maker.random.pick([90, 198, 199, 200, 201, 3000]))) as Json
      setJson(draft, { ...draft.json, [name]: deep })
      return {}
    },
  },
  {
    name: 'an odd proof of who asks',
    apply(draft, maker) {
      if (!fieldsIn(draft, maker).some(([name]) => name === 'auth')) return undefined
      const { random, cast } = maker
      const type = random.pick<Json>(['m.login.password', 'm.login.dummy', 'm.login.token', '', 7, null])
      const identifier = random.pick<Json>([
        { type: 'm.id.user', user: cast.victim.userId },
        { type: 'm.id.user' },
        'x',
        {},
      ])
      const session = random.pick<Json>(['session', '', 1, { $gt: '' }, longText(5000)])
      const proof = {
        type,
        identifier,
        session,
        user: random.pick(ODD_TEXTS),
        password: random.pick<Json>(['no', 1, null]),
      }
      setJson(draft, { ...draft.json, auth: random.pick<Json>([proof, [], 'm.login.dummy', null, 3]) })
      return {}
    },
  },
]

/** Refused to the attacker whatever the body is. */
const ADMINISTRATION = /\/admin\//

interface BadBody {
  name: string
  body: (draft: Draft) => string | Uint8Array
  expected: Expected
}

function bodies(): Attack[] {
  const bad: BadBody[] = [
    { name: 'no JSON', body: () => '{"a":', expected: NOT_JSON },
    { name: 'JSON with a comma too much', body: () => '{"a":1,}', expected: NOT_JSON },
    {
      name: 'bytes that are no UTF-8',
      body: () => new Uint8Array([123, 34, 255, 254, 34, 58, 49, 125]),
      expected: NOT_JSON,
    },
    { name: 'a list', body: ({ body }) => `[${body}]`, expected: BAD_JSON },
    { name: 'a text', body: () => '"text"', expected: BAD_JSON },
    { name: 'null', body: () => 'null', expected: BAD_JSON },
    { name: 'deep JSON', body: () => deepJson(20_000), expected: TOO_DEEP },
    { name: 'huge JSON', body: () => JSON.stringify({ a: longText(600_000) }), expected: TOO_LARGE },
  ]
  return bad.map(({ name, body, expected }) => ({
    name,
    apply(draft) {
      if (draft.json === undefined) return undefined
      draft.body = body(draft)
      return ADMINISTRATION.test(draft.operation.path) ? {} : expected
    },
  }))
}

function fieldsIn(draft: Draft, { spec }: Maker): [string, JsonRecord][] {
  const { body } = draft.operation
  if (draft.json === undefined || body === undefined) return []
  return Object.entries(fieldsOf(schemaAt(spec, body.schema).schema, spec).properties)
}

function setJson(draft: Draft, json: JsonRecord): void {
  draft.json = json
  draft.body = JSON.stringify(json)
}

/** The value with one of its parts, or itself, made another. */
function replacedSomewhere(value: Json, replacement: Json, random: Random): Json {
  if (typeof value !== 'object' || value === null) return replacement
  const keys = Object.keys(value)
  if (keys.length === 0) return Array.isArray(value) ? [replacement] : { key: replacement }
  const key = random.pick(keys)
  const inner = (value as JsonRecord)[key] ?? null
  const replaced = random.chance(0.5) ? replacement : replacedSomewhere(inner, replacement, random)
  return Array.isArray(value)
    ? value.map((entry, index) => (String(index) === key ? replaced : entry))
    : { ...value, [key]: replaced }
}
