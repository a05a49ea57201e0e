/** Checks a request's path, query and body against schemas, and names what is wrong by the right error code. */
import type { Context } from 'hono'
import * as z from 'zod'
import { type ErrorCode, MatrixError } from '../../src/protocol/errors.ts'
import { type JsonObject, writesFloats } from '../../src/protocol/events/canonical-json.ts'
import { issueSentence } from '../../src/protocol/issue-sentence.ts'
import { type AppContext, type AppEnv, portsIn, requesterIn } from '../app-env.ts'
import { isJsonObject, JSON_LIMIT, readJsonObject, STRANGERS_LIMIT } from './bodies/body.ts'
import type { Schemas } from './endpoint-row.ts'

/** Any JSON object, taken as it is: for event contents, account data and the like. */
export const jsonObject = z.custom<JsonObject>(isJsonObject, {
  error: 'must be an object',
  params: { isType: true },
})

type Target = 'param' | 'query' | 'json'

/** Keeps for `c.req.valid` what the schemas make of a request; its body is read only where there is a schema for it. */
export async function checkRequest(c: Context<AppEnv>, schemas: Schemas): Promise<void> {
  if (schemas.param !== undefined) keep(c, 'param', schemas.param, c.req.param())
  if (schemas.query !== undefined) keep(c, 'query', schemas.query, c.req.query())
  if (schemas.json === undefined) return
  keep(c, 'json', schemas.json, c.get('body') ?? (await readBody(c, schemas)))
}

async function readBody(c: Context<AppEnv>, { bodyOptional }: Schemas): Promise<JsonObject> {
  const limit = requesterIn(c) === undefined ? STRANGERS_LIMIT : JSON_LIMIT
  const reading = { timeout: portsIn(c).config.bodyTimeoutMs, optional: bodyOptional === true, limit }
  const { value, text } = await readJsonObject(c.req.raw, reading)
  c.set('bodyText', text)
  return value
}

/** The value a schema makes of `input`, for the few inputs that are no usual part of a request. */
export function check<T extends z.ZodType>(schema: T, input: unknown, where: Target): z.infer<T> {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  throw requestError(result.error.issues[0], input, where)
}

/**
 * Whether the body that `validate` read writes integers in a form such as `1.0`, which JSON.parse does not tell apart.
 */
export function bodyHasFloats(c: AppContext): boolean {
  return writesFloats((c as unknown as Context<AppEnv>).get('bodyText') ?? '')
}

function keep(c: Context<AppEnv>, target: Target, schema: z.ZodType, input: unknown): void {
  const data = target === 'json' ? checkBody(schema, input as JsonObject) : check(schema, input, target)
  c.req.addValidatedData(target, data as object)
}

/**
 * Clients write null for an optional key if they have nothing for it, and other servers take it as absent. Null stays
 * where the schema allows it, and in contents that are stored as given. It is refused where a key must be there.
 */
function checkBody(schema: z.ZodType, body: JsonObject): unknown {
  const asGiven = schema.safeParse(body)
  if (asGiven.success) return asGiven.data
  const told = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
  const withoutNulls = schema.safeParse(told)
  return withoutNulls.success ? withoutNulls.data : check(schema, body, 'json')
}

function requestError(issue: z.core.$ZodIssue | undefined, input: unknown, where: Target): MatrixError {
  if (issue === undefined) return new MatrixError('M_BAD_JSON', 'The request does not fit its schema')
  const code = errorCode(issue, input, where)
  return new MatrixError(code, issueSentence(issue, code === 'M_MISSING_PARAM'))
}

/** Absent: M_MISSING_PARAM. Of the wrong JSON type: M_BAD_JSON. Of the right type, but not valid: M_INVALID_PARAM. */
function errorCode(issue: z.core.$ZodIssue, input: unknown, where: Target): ErrorCode {
  const value = valueAt(input, issue.path)
  if (value === undefined) return 'M_MISSING_PARAM'
  return where === 'json' && isWrongType(issue, value) ? 'M_BAD_JSON' : 'M_INVALID_PARAM'
}

/** Only strings and numbers have further conditions in our schemas; what is chosen from a list is a string. */
function isWrongType(issue: z.core.$ZodIssue, value: unknown): boolean {
  const { code } = issue
  if (code === 'invalid_type' || code === 'invalid_union') return true
  if (code === 'custom' && issue.params?.isType === true) return true
  return typeof value !== 'string' && (typeof value !== 'number' || code === 'invalid_value')
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}
