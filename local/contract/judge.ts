/** Judges an answer by the specification's schemas: what breaks them is told in sentences. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import type { Operation, Spec } from './spec.ts'

export interface Answered {
  status: number
  contentType: string
  /** The parsed body, or the text that is no JSON. */
  body: unknown
}

/** Answers what an answer breaks: nothing, if all is well. */
export type Judge = (answered: Answered, operation: Operation | undefined) => string[]

/** The grammars of the appendices, as far as a pattern tells them: old rooms and users may bend the rest. */
const FORMATS = {
  'mx-user-id': /^@[^:]*:.+$/,
  'mx-room-id': /^!.+$/,
  'mx-event-id': /^\$.+$/,
  'mx-room-alias': /^#[^:]*:.+$/,
  'mx-server-name': /^[A-Za-z0-9.:[\]-]+$/,
  'mx-mxc-uri': /^mxc:\/\/[^/]+\/[^/]+$/,
  'mx-unpadded-base64': /^[A-Za-z0-9+/]*$/,
  'mx-urlsafe-unpadded-base64': /^[A-Za-z0-9_-]*$/,
  uri: /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/,
  email: /^[^@\s]+@[^@\s]+$/,
  int64: true,
  int32: true,
  float: true,
} as const

const MAX_TOLD = 5

/** A judge that compiles each schema when it is first needed. */
export function judgeBy(spec: Spec): Judge {
  const validators = new Map<string, ValidateFunction>()
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false, formats: FORMATS })
  for (const [uri, document] of Object.entries(spec.documents)) ajv.addSchema(document, uri)
  const validatorFor = (uri: string): ValidateFunction => {
    let validator = validators.get(uri)
    if (validator === undefined) {
      validator = ajv.compile({ $ref: uri })
      validators.set(uri, validator)
    }
    return validator
  }
  const broken = (uri: string, body: unknown): string[] => {
    const validate = validatorFor(uri)
    return validate(body) ? [] : (validate.errors ?? []).slice(0, MAX_TOLD).map(sentence)
  }
  return (answered, operation) =>
    answered.status >= 400
      ? brokenError(answered, operation, broken)
      : brokenSuccess(answered, operation, broken)
}

type Broken = (uri: string, body: unknown) => string[]

function brokenSuccess(
  { status, contentType, body }: Answered,
  operation: Operation | undefined,
  broken: Broken,
) {
  if (operation === undefined) return []
  const schema = operation.answers[status]
  if (schema === undefined) return [`the status is ${status}, expected one of ${documented(operation)}`]
  return schema === null ? [] : [...wrongType(contentType), ...broken(schema, body)]
}

/** "Any errors which occur at the Matrix API level MUST return a 'standard error response'." */
function brokenError(
  { status, contentType, body }: Answered,
  operation: Operation | undefined,
  broken: Broken,
) {
  const told = wrongType(contentType)
  if (typeof body !== 'object' || body === null) return [...told, 'the body is not a JSON object']
  const schema = operation?.answers[status]
  // Interactive authentication answers 401 with its stages, and an error code only after a failed one.
  const isInteractive = status === 401 && 'flows' in body
  for (const key of isInteractive && !('errcode' in body) ? [] : ['errcode', 'error']) {
    const value = (body as Record<string, unknown>)[key]
    if (typeof value !== 'string' || value === '') told.push(`/${key} is ${show(value)}, expected a text`)
  }
  // A 401 about the token is told in the general form, whatever the endpoint documents as its own.
  if (schema && (status !== 401 || isInteractive)) told.push(...broken(schema, body))
  return told
}

const wrongType = (contentType: string) =>
  /^application\/json(;|$)/.test(contentType)
    ? []
    : [`the content type is ${show(contentType)}, expected application/json`]

const documented = ({ answers }: Operation) => Object.keys(answers).join(', ')

function sentence({ instancePath, message, params, data }: ErrorObject): string {
  const details = Object.values(params).filter(
    (value) => typeof value !== 'string' || !message?.includes(value),
  )
  const wanted = details.length > 0 ? ` (${show(details.length === 1 ? details[0] : details)})` : ''
  return `${instancePath || 'the body'} ${message ?? 'is wrong'}${wanted}${data === undefined ? '' : `, is ${show(data)}`}`
}

const MAX_SHOWN = 120

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'absent'
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
