/** The ways to make a request bad, and how a server must answer each. */
import type { Json, JsonRecord } from '../contract/spec.ts'
import { schemaAt } from '../contract/spec.ts'
import { type Draft, queryOf } from './request.ts'
import { deepJson, fieldsOf, longText, type Maker, misfit, ODD_NUMBERS, ODD_TEXTS } from './values.ts'

/** What must come back; what is not named may be anything but a failure of the server. */
export interface Expected {
  statuses?: number[]
  errcodes?: string[]
  /** Whether success would be wrong. */
  mustFail?: boolean
}

export interface Attack {
  name: string
  /** Makes the draft bad. Nothing, where the operation offers no hold to it. */
  apply(draft: Draft, maker: Maker): Expected | undefined
}

const NO_TOKEN: Expected = { statuses: [401], errcodes: ['M_MISSING_TOKEN'] }
const BAD_TOKEN: Expected = { statuses: [401], errcodes: ['M_UNKNOWN_TOKEN', 'M_MISSING_TOKEN'] }
const NOT_JSON: Expected = { statuses: [400], errcodes: ['M_NOT_JSON'] }
const BAD_JSON: Expected = { statuses: [400], errcodes: ['M_BAD_JSON'] }
const TOO_DEEP: Expected = { statuses: [400], errcodes: ['M_BAD_JSON', 'M_NOT_JSON'] }
const TOO_LARGE: Expected = { statuses: [413], errcodes: ['M_TOO_LARGE'] }

/** Endpoints whose token may be left out, whatever their schema says: interactive authentication proves who asks. */
const TOKEN_OPTIONAL = new Set([
  'POST /_matrix/client/v3/account/password',
  'POST /_matrix/client/v3/account/deactivate',
])

export const ATTACKS: Attack[] = [
  { name: 'nothing wrong', apply: () => ({}) },
  {
    name: 'no token',
    apply(draft) {
      delete draft.headers.authorization
      return draft.operation.needsToken && !TOKEN_OPTIONAL.has(draft.operation.id) ? NO_TOKEN : {}
    },
  },
  {
    name: 'a token that is none',
    apply(draft, { random }) {
      const { operation, headers } = draft
      if (!operation.needsToken) return undefined
      const [, payload = ''] = headers.authorization?.split('.') ?? []
      const unsigned = `eyJhbGciOiJub25lIn0.${payload}.`
      const tokens = ['Bearer x', 'Bearer', 'Basic eDp4', `Bearer ${unsigned}`, `Bearer ${'a.'.repeat(2000)}`]
      headers.authorization = random.pick(tokens)
      return BAD_TOKEN
    },
  },
  {
    name: 'a method that the path does not know',
    apply(draft, { spec, random }) {
      const known = spec.operations
        .filter(({ path }) => path === draft.operation.path)
        .map(({ method }) => method)
      draft.method = random.pick(
        ['PATCH', 'PUT', 'POST', 'DELETE', 'GET'].filter((name) => !known.includes(name)),
      )
      if (draft.method === 'GET') draft.body = undefined
      return { errcodes: ['M_UNRECOGNIZED'], statuses: [404, 405] }
    },
  },
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
    apply(draft, maker) {
      const fields = fieldsIn(draft, maker)
      if (fields.length === 0) return undefined
      const { random } = maker
      const [name] = random.pick(fields)
      const value = random.pick<Json>([
        random.pick(ODD_TEXTS),
        random.pick(ODD_NUMBERS),
        longText(70_000),
        null,
      ])
      setJson(draft, { ...draft.json, [name]: value })
      return {}
    },
  },
  {
    name: 'an odd path',
    apply(draft, { random }) {
      const name = variable(draft, random)
      if (name === undefined) return undefined
      draft.path[name] = encodeURIComponent(random.pick(ODD_TEXTS).toWellFormed())
      return {}
    },
  },
  {
    name: 'a broken percent escape',
    apply(draft, { random }) {
      const name = variable(draft, random)
      if (name === undefined) return undefined
      draft.path[name] = `${draft.path[name]}${random.pick(['%zz', '%', '%f', '%ff', '%c3%28', '%ed%a0%80'])}`
      return { errcodes: ['M_INVALID_PARAM', 'M_UNRECOGNIZED'], mustFail: true }
    },
  },
  {
    name: 'a very long segment',
    apply(draft, { random }) {
      const name = variable(draft, random)
      if (name === undefined) return undefined
      draft.path[name] += random.pick(['a'.repeat(300), 'b'.repeat(8000), encodeURIComponent(longText(400))])
      return {}
    },
  },
  {
    name: 'an odd query',
    apply(draft, { random }) {
      const names = draft.operation.parameters.filter((parameter) => parameter.in === 'query')
      if (names.length === 0) return undefined
      const { name } = random.pick(names)
      const value = random.pick([
        ...ODD_TEXTS,
        ...ODD_NUMBERS.map(String),
        longText(1000),
        '{}',
        '{"a":',
        deepJson(300),
      ])
      // A poll that is asked to wait for long is allowed to.
      const harmless = name === 'timeout' && Number(value) > 1000 ? '0' : value
      draft.query = [...draft.query.filter((part) => !part.startsWith(`${name}=`)), queryOf(name, harmless)]
      if (random.chance(0.2)) draft.query.push(`${name}=%ff`, `${name}=again`)
      return {}
    },
  },
  {
    name: "another user's things",
    apply(draft, { cast, random }) {
      const { path, operation } = draft
      const isForeign = 'userId' in path && operation.path.includes('/user/{userId}/')
      if ('userId' in path) path.userId = encodeURIComponent(cast.victim.userId)
      if ('roomId' in path && !isForeign) {
        path.roomId = encodeURIComponent(random.chance(0.5) ? cast.privateRoom : cast.sharedRoom)
      }
      if ('roomIdOrAlias' in path) {
        path.roomIdOrAlias = encodeURIComponent(random.pick([cast.privateRoom, cast.victimAlias]))
      }
      if ('eventId' in path)
        path.eventId = encodeURIComponent(random.pick([cast.privateEvent, cast.sharedEvent]))
      if ('roomAlias' in path) path.roomAlias = encodeURIComponent(cast.victimAlias)
      if ('deviceId' in path) path.deviceId = encodeURIComponent(cast.victim.deviceId)
      if ('filterId' in path) path.filterId = encodeURIComponent(cast.victimFilter)
      const isPrivate = path.roomId === encodeURIComponent(cast.privateRoom)
      return {
        mustFail: isForeign || (isPrivate && !OPEN_TO_ALL.some((end) => operation.path.endsWith(end))),
      }
    },
  },
]

/** Says the same for every room, so as not to tell which exist; or only forgets what was never known. */
const OPEN_TO_ALL = ['/report', '/forget', '/directory/list/room/{roomId}']

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
      return expected
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

function variable({ path }: Draft, random: Maker['random']): string | undefined {
  const names = Object.keys(path)
  return names.length === 0 ? undefined : random.pick(names)
}
