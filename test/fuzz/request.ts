/** A request as it goes over the wire, made from an operation of the specification. */
import type { JsonRecord } from '../../local/contract/json.ts'
import type { Operation, Parameter } from '../../local/contract/spec.ts'
import { schemaAt } from '../../local/contract/spec.ts'
import { fittingValue, type Maker } from './values.ts'

export interface Draft {
  operation: Operation
  method: string
  /** The path's variables, percent-encoded already, by name. */
  path: Record<string, string>
  /** Percent-encoded already. */
  query: string[]
  headers: Record<string, string>
  body: string | Uint8Array | undefined
  /** The JSON value that the body was made from. */
  json: JsonRecord | undefined
}

/** Whole bodies that the schemas do not tell enough about to succeed. */
const BODIES: Record<string, JsonRecord> = {
  'POST /_matrix/client/v3/createRoom': { preset: 'private_chat' },
  'POST /_matrix/client/v3/login': {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: 'attacker' },
    password: 'wrong',
  },
  'POST /_matrix/client/v3/search': { search_categories: { room_events: { search_term: 'secret' } } },
}

/** The variables whose names say more than their schemas. */
const PATH_VALUES: Record<string, (maker: Maker) => string> = {
  roomId: ({ cast }) => cast.ownRoom,
  roomIdOrAlias: ({ cast }) => cast.ownRoom,
  userId: ({ cast }) => cast.attacker.userId,
  eventId: ({ cast }) => cast.ownEvent,
  roomAlias: ({ random }) => `#alias${random.below(1e9)}:test.example`,
  txnId: ({ random }) => `txn${random.below(1e9)}`,
  eventType: ({ random }) => random.pick(['m.room.message', 'org.example.thing', 'm.room.topic']),
  stateKey: () => '',
  type: () => 'org.example.note',
  keyName: ({ random }) => random.pick(['displayname', 'avatar_url', 'org.example.field']),
  deviceId: ({ cast }) => cast.attacker.deviceId,
  receiptType: ({ random }) => random.pick(['m.read', 'm.read.private', 'm.fully_read']),
  relType: () => 'm.annotation',
  kind: () => 'override',
  ruleId: () => '.m.rule.master',
}

/** A request of the attacker's that asks for things of their own, well-formed as far as the schemas tell. */
export function draft(operation: Operation, maker: Maker): Draft {
  const { parameters, body, id } = operation
  const { random, cast } = maker
  const inPath = parameters.filter((parameter) => parameter.in === 'path')
  const inQuery = parameters.filter(
    (parameter) => parameter.in === 'query' && (parameter.required || random.chance(0.3)),
  )
  const schema = body && schemaAt(maker.spec, body.schema).schema
  const json = schema && (BODIES[id] ?? withoutAuth(fittingValue(schema, maker)))
  return {
    operation,
    method: operation.method,
    path: Object.fromEntries(inPath.map((parameter) => [parameter.name, pathValue(parameter, maker)])),
    query: inQuery.map((parameter) => queryPart(parameter, maker)),
    headers: {
      authorization: `Bearer ${cast.attacker.token}`,
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: json === undefined ? undefined : JSON.stringify(json),
    json,
  }
}

/** Interactive authentication would end sessions and accounts that the fuzz still needs. */
function withoutAuth(value: unknown): JsonRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
  const { auth: _, ...rest } = value as JsonRecord
  return rest
}

function pathValue({ name, schema }: Parameter, maker: Maker): string {
  const value = PATH_VALUES[name]?.(maker) ?? fittingValue(schema, maker)
  return encodeURIComponent(String(value))
}

function queryPart({ name, schema }: Parameter, maker: Maker): string {
  // Nobody waits for a poll here.
  const value = name === 'timeout' ? 0 : fittingValue(schema, maker)
  return queryOf(name, Array.isArray(value) ? String(value[0] ?? '') : String(value))
}

export const queryOf = (name: string, value: string) =>
  `${encodeURIComponent(name)}=${encodeURIComponent(value.toWellFormed())}`

/** Path and query of a draft. */
export function targetOf({ operation, path, query }: Draft): string {
  const filled = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => path[name] ?? '')
  return query.length === 0 ? filled : `${filled}?${query.join('&')}`
}
